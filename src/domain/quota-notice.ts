import type { Limit } from './quota.ts';

/** How near to its limit a use is, when somebody should be told. */
export const noticeLevels = ['warning', 'critical'] as const;

export type NoticeLevel = (typeof noticeLevels)[number];

/** From which part of a limit on a notice is given: above 0, and up to 1. */
export interface QuotaNotices {
  readonly enabled: boolean;
  readonly warningThreshold: number;
  readonly criticalThreshold: number;
}

export const defaultQuotaNotices: QuotaNotices = {
  enabled: true,
  warningThreshold: 0.8,
  criticalThreshold: 0.95,
};

/** The same as documents write it. */
export interface QuotaNoticesDocument {
  readonly enabled: boolean;
  readonly warning_threshold: number;
  readonly critical_threshold: number;
}

/** And as people may write it. */
export type QuotaNoticesInput = {
  readonly [K in keyof QuotaNoticesDocument]?: QuotaNoticesDocument[K] | undefined;
};

export function quotaNoticesDocument(notices: QuotaNotices): QuotaNoticesDocument {
  return {
    enabled: notices.enabled,
    warning_threshold: notices.warningThreshold,
    critical_threshold: notices.criticalThreshold,
  };
}

export function quotaNoticesOf(input: QuotaNoticesInput): QuotaNotices {
  const usual = defaultQuotaNotices;
  return {
    enabled: input.enabled ?? usual.enabled,
    warningThreshold: input.warning_threshold ?? usual.warningThreshold,
    criticalThreshold: input.critical_threshold ?? usual.criticalThreshold,
  };
}

/** Thresholds are compared as whole ten-thousandths, so that no rounding moves a crossing. */
const WHOLE = 10_000;

/** So far below a threshold a use has to fall before it can cross it again: 5 points. */
const REARMED_BELOW = 500;

export const THRESHOLD_RULE = 'a part of the limit above 0 and up to 1, such as 0.8';

/** Whether a number says a part of a limit, with no more than four decimals. */
export function isThreshold(value: number): boolean {
  return value > 0 && value <= 1 && Math.abs(value * WHOLE - partsOf(value)) < 1e-9;
}

function partsOf(threshold: number): number {
  return Math.round(threshold * WHOLE);
}

/** What is wrong in a document of the right shape, and where in it. */
export function quotaNoticesProblems(
  input: QuotaNoticesInput,
): { readonly path: readonly string[]; readonly message: string }[] {
  const { warningThreshold: warning, criticalThreshold: critical } = quotaNoticesOf(input);
  const wrong = Object.entries({ warning_threshold: warning, critical_threshold: critical })
    .filter(([, threshold]) => !isThreshold(threshold))
    .map(([field]) => ({ path: [field], message: `a threshold is ${THRESHOLD_RULE}` }));
  if (wrong.length > 0 || warning < critical) return wrong;
  const message = `${warning} is not below critical_threshold, which is ${critical}`;
  return [{ path: ['warning_threshold'], message }];
}

/** How much of a resource is used, and how much there may be. */
export interface Fill {
  readonly used: number;
  readonly limit: Limit;
}

/** Whether nothing could have to be told of a use, nor remembered: mostly it is so. */
export function isFarBelow({ used, limit }: Fill, { warningThreshold }: QuotaNotices): boolean {
  if (limit === null || limit === 0) return true;
  return isRearmed(used, limit, partsOf(warningThreshold));
}

/**
 * The level of a use of which another level was told before: up as soon as it reaches a threshold, and
 * down only well below it, so that a use around a threshold is told of once. What has no limit, or a
 * limit of 0, has no level.
 */
export function levelOf(
  told: NoticeLevel | undefined,
  { used, limit }: Fill,
  notices: QuotaNotices,
): NoticeLevel | undefined {
  if (limit === null || limit === 0) return undefined;
  const [warning, critical] = [
    partsOf(notices.warningThreshold),
    partsOf(notices.criticalThreshold),
  ];
  if (used >= markAt(limit, critical)) return 'critical';
  if (told === 'critical' && !isRearmed(used, limit, critical)) return 'critical';
  if (used >= markAt(limit, warning)) return 'warning';
  return told === undefined || isRearmed(used, limit, warning) ? undefined : 'warning';
}

/** What becomes of the level of which was told, and whether somebody has to be told again. */
export interface Crossing {
  readonly level: NoticeLevel | undefined;
  readonly isNotice: boolean;
}

/**
 * What a change of a use, or of its limit, leads to. Where the use fell before, nobody had to note
 * that: it shows in what it was before the change.
 */
export function crossingOf(
  told: NoticeLevel | undefined,
  before: Fill,
  after: Fill,
  notices: QuotaNotices,
): Crossing {
  const stood = levelOf(told, before, notices);
  const level = levelOf(stood, after, notices);
  return { level, isNotice: rank(level) > Math.min(rank(told), rank(stood)) };
}

function rank(level: NoticeLevel | undefined): number {
  return level === undefined ? 0 : noticeLevels.indexOf(level) + 1;
}

function isRearmed(used: number, limit: number, threshold: number): boolean {
  // Of a threshold that low, only what is not used at all is below.
  return used < Math.max(1, markAt(limit, threshold - REARMED_BELOW));
}

/** The smallest use that is so many ten-thousandths of a limit; exact up to 2^53-1. */
function markAt(limit: number, parts: number): number {
  const rest = limit % WHOLE;
  return ((limit - rest) / WHOLE) * parts + Math.ceil((rest * parts) / WHOLE);
}
