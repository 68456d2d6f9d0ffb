/** What a caller is there for; what each may do is said by every operation itself. */
export const roles = ['admin', 'operator', 'approver', 'viewer', 'agent'] as const;

export type Role = (typeof roles)[number];

/** Whoever is known at all. */
export const EVERYBODY: readonly Role[] = [...roles];
/** Who looks on. An agent asks about its own requests, and has no need to. */
export const READERS: readonly Role[] = ['admin', 'operator', 'approver', 'viewer'];
/** Who starts and ends jobs. */
export const RUNNERS: readonly Role[] = ['admin', 'operator', 'agent'];
/** Who changes what others are allowed. */
export const OPERATORS: readonly Role[] = ['admin', 'operator'];
/** Who agrees to what somebody else asks for. */
export const APPROVERS: readonly Role[] = ['admin', 'operator', 'approver'];
/** Who decides on tokens, and on what decides. */
export const ADMINS: readonly Role[] = ['admin'];

export const roleMeanings: Readonly<Record<Role, string>> = {
  admin: 'everything, also tokens, policies and the configuration',
  operator: 'everything but tokens, policies and the configuration',
  approver: 'read everything, and approve bursts',
  viewer: 'read everything',
  agent: 'what a job server does: check, admit, release, renew, cancel, explain',
};
