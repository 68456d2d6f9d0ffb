import type { ExplainResponse, TenantExplainResponse } from '../service/schemas/explain.ts';

export type Explanation = ReturnType<ReturnType<typeof ExplainResponse>['parse']>;
export type TenantExplanation = ReturnType<ReturnType<typeof TenantExplainResponse>['parse']>;

/** A line of an explanation: what it is about, what there is to say, and something beside it. */
export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly aside?: string;
}

/** The answer first, then the reasons with numbers, in groups, then the way out. */
export interface Story {
  readonly answer: string;
  readonly facts: readonly (readonly Fact[])[];
  readonly wayOut: readonly string[];
}
