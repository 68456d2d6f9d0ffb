import type { ReasonCode } from '../domain/admission.ts';
import type { JobView } from './job-view.ts';

/** The status of an answer to a request: a rejection is an answer too. */
export function statusOfJob({ state, code, replayed }: JobView): number {
  if (state === 'queued') return 202;
  if (state !== 'rejected') return replayed === true ? 200 : 201;
  return statusOfRejection(code);
}

/** 422: asking again is pointless; 403: a person has to resume the tenant; 429: later it may fit. */
export function statusOfRejection(code: ReasonCode | undefined): number {
  if (code === 'impossible') return 422;
  return code === 'suspended' ? 403 : 429;
}

export const admissionStatuses = {
  200: 'It was admitted before: the job as it stands.',
  201: 'Admitted.',
  202: 'Queued: it waits for room.',
  403: 'Rejected: the tenant or one above it is suspended.',
  422: 'Rejected: it could not even run alone.',
  429: 'Rejected: there is no room now.',
} as const;
