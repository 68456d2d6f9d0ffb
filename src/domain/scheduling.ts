import type { Loose } from './loose.ts';
import type { Strategy } from './fair-share.ts';
import type { Limit } from './quota.ts';
import { MAX_AMOUNT } from './resource.ts';

/** Who goes next among the jobs that wait. */
export interface Scheduling {
  readonly fairQueuing: {
    readonly enabled: boolean;
    /** The half-life of use in the past; 0: only what is used now counts. */
    readonly windowMinutes: number;
    /** Whether room is kept for a job that has waited too long, and from when on. */
    readonly starvationPrevention: boolean;
    readonly starvationThresholdMinutes: number;
  };
  readonly strategy: Strategy;
  /** How many may wait in one pool. */
  readonly maxQueueSize: Limit;
}

export const defaultScheduling: Scheduling = {
  fairQueuing: {
    enabled: true,
    windowMinutes: 0,
    starvationPrevention: true,
    starvationThresholdMinutes: 30,
  },
  strategy: 'weighted_fair',
  maxQueueSize: null,
};

/** The same as documents write it. */
export interface SchedulingDocument {
  readonly fair_queuing: {
    readonly enabled: boolean;
    readonly fairness_window_minutes: number;
    readonly starvation_prevention: boolean;
    readonly starvation_threshold_minutes: number;
  };
  readonly queue_prioritization: { readonly default_strategy: Strategy };
  readonly max_queue_size: Limit;
}

/** And as people may write it. */
export interface SchedulingInput {
  readonly fair_queuing?: Loose<SchedulingDocument['fair_queuing']> | undefined;
  readonly queue_prioritization?: Loose<SchedulingDocument['queue_prioritization']> | undefined;
  readonly max_queue_size?: Limit | undefined;
}

export function schedulingDocument({
  fairQueuing,
  strategy,
  maxQueueSize,
}: Scheduling): SchedulingDocument {
  return {
    fair_queuing: {
      enabled: fairQueuing.enabled,
      fairness_window_minutes: fairQueuing.windowMinutes,
      starvation_prevention: fairQueuing.starvationPrevention,
      starvation_threshold_minutes: fairQueuing.starvationThresholdMinutes,
    },
    queue_prioritization: { default_strategy: strategy },
    max_queue_size: maxQueueSize,
  };
}

export function schedulingOf({
  fair_queuing: fair = {},
  queue_prioritization: prioritization = {},
  max_queue_size: maxQueueSize = defaultScheduling.maxQueueSize,
}: SchedulingInput): Scheduling {
  const { fairQueuing, strategy } = defaultScheduling;
  return {
    fairQueuing: {
      enabled: fair.enabled ?? fairQueuing.enabled,
      windowMinutes: fair.fairness_window_minutes ?? fairQueuing.windowMinutes,
      starvationPrevention: fair.starvation_prevention ?? fairQueuing.starvationPrevention,
      starvationThresholdMinutes:
        fair.starvation_threshold_minutes ?? fairQueuing.starvationThresholdMinutes,
    },
    strategy: prioritization.default_strategy ?? strategy,
    maxQueueSize,
  };
}

/** A year. */
export const MAX_MINUTES = 525_600;

/** What is wrong in a document of the right shape, and where in it. */
export function schedulingProblems({
  fair_queuing: fair = {},
  max_queue_size: size = null,
}: SchedulingInput): { readonly path: readonly string[]; readonly message: string }[] {
  const { fairness_window_minutes: window = 0, starvation_threshold_minutes: threshold = 1 } = fair;
  const minutes = (least: number) =>
    `a time is a whole number of minutes from ${least} to ${MAX_MINUTES}`;
  const limit = `a limit is a whole number from 0 to ${MAX_AMOUNT}, or unlimited`;
  return [
    ...(isWhole(window, 0, MAX_MINUTES)
      ? []
      : [{ path: ['fair_queuing', 'fairness_window_minutes'], message: minutes(0) }]),
    ...(isWhole(threshold, 1, MAX_MINUTES)
      ? []
      : [{ path: ['fair_queuing', 'starvation_threshold_minutes'], message: minutes(1) }]),
    ...(size === null || isWhole(size, 0, MAX_AMOUNT)
      ? []
      : [{ path: ['max_queue_size'], message: limit }]),
  ];
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}
