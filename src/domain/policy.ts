/** When a rule is asked: of every request, or of one that does not fit. */
export const policyMoments = ['request', 'violation'] as const;

export type PolicyMoment = (typeof policyMoments)[number];

/** What a rule does with what it matches. */
export const policyActions = ['allow', 'reject', 'queue', 'warn'] as const;

export type PolicyAction = (typeof policyActions)[number];

/** One rule of the ordered list; the first that matches at a moment acts. */
export interface PolicyRule {
  readonly name: string;
  readonly on: PolicyMoment;
  /** An expression of the Common Expression Language that is true or false. */
  readonly when: string;
  readonly action: PolicyAction;
  /** What the caller is told. */
  readonly message: string | null;
}

/** All rules, in their order, and the zone in which they see the time of day. */
export interface Policy {
  readonly timeZone: string;
  readonly rules: readonly PolicyRule[];
}

export const noPolicy: Policy = { timeZone: 'UTC', rules: [] };

/** A rule that matched, and what it does. */
export type Verdict = Pick<PolicyRule, 'name' | 'action' | 'message'>;
