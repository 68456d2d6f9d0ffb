import { countPeople, MAX_BURST_MINUTES, MAX_PERCENTAGE } from './burst.ts';
import type { Loose } from './loose.ts';
import { MICROS, microsOf, type Micros } from './money.ts';
import type { Limit } from './quota.ts';

/** What a session of burst capacity may be, and who has to agree to it. */
export interface BurstCapacity {
  readonly enabled: boolean;
  readonly defaultPolicy: {
    /** Up to so many per cent of a limit. */
    readonly maxOveragePercentage: number;
    /** How long a session is that does not say it. */
    readonly durationMinutes: number;
  };
  /** In the whole system; null: no bound. */
  readonly mostAtOnce: Limit;
  readonly mostPerTenantAndDay: Limit;
  /** Between the end of a session and the begin of the next one of its tenant. */
  readonly cooldownMinutes: number;
  /** So long before its end that is announced; 0: not. */
  readonly noticeMinutes: number;
  /** How many times as much what runs under a session costs, in millionths. */
  readonly costMultiplier: Micros;
  readonly approval: {
    /** Up to so many per cent of a limit nobody has to agree; 100: somebody always has to. */
    readonly autoApproveThreshold: number;
    /** How many different people have to agree. */
    readonly required: number;
    /** Who may; nobody named: everybody whose role allows it. */
    readonly approvers: readonly string[];
    /** After so long without an answer a request lapses. */
    readonly timeoutMinutes: number;
  };
}

export const defaultBurstCapacity: BurstCapacity = {
  enabled: true,
  defaultPolicy: { maxOveragePercentage: 150, durationMinutes: 60 },
  mostAtOnce: 10,
  mostPerTenantAndDay: 5,
  cooldownMinutes: 15,
  noticeMinutes: 10,
  costMultiplier: MICROS,
  approval: { autoApproveThreshold: 100, required: 1, approvers: [], timeoutMinutes: 1440 },
};

/** The same as documents write it. */
export interface BurstCapacityDocument {
  readonly enabled: boolean;
  readonly default_policy: {
    readonly max_overage_percentage: number;
    readonly burst_duration_minutes: number;
  };
  readonly max_concurrent_burst_sessions: Limit;
  readonly max_per_tenant_per_day: Limit;
  readonly burst_cooldown_minutes: number;
  readonly notice_minutes: number;
  readonly cost_multiplier: number;
  readonly approval: {
    readonly auto_approve_threshold: number;
    readonly approvals_required: number;
    readonly approvers: readonly string[];
    readonly timeout_minutes: number;
  };
}

/** And as people may write it. */
export interface BurstCapacityInput extends Loose<
  Omit<BurstCapacityDocument, 'default_policy' | 'approval'>
> {
  readonly default_policy?: Loose<BurstCapacityDocument['default_policy']> | undefined;
  readonly approval?: Loose<BurstCapacityDocument['approval']> | undefined;
}

export function burstCapacityDocument(capacity: BurstCapacity): BurstCapacityDocument {
  const { defaultPolicy, approval } = capacity;
  return {
    enabled: capacity.enabled,
    default_policy: {
      max_overage_percentage: defaultPolicy.maxOveragePercentage,
      burst_duration_minutes: defaultPolicy.durationMinutes,
    },
    max_concurrent_burst_sessions: capacity.mostAtOnce,
    max_per_tenant_per_day: capacity.mostPerTenantAndDay,
    burst_cooldown_minutes: capacity.cooldownMinutes,
    notice_minutes: capacity.noticeMinutes,
    cost_multiplier: capacity.costMultiplier / MICROS,
    approval: {
      auto_approve_threshold: approval.autoApproveThreshold,
      approvals_required: approval.required,
      approvers: [...approval.approvers],
      timeout_minutes: approval.timeoutMinutes,
    },
  };
}

export function burstCapacityOf(input: BurstCapacityInput): BurstCapacity {
  const usual = defaultBurstCapacity;
  const { default_policy: policy = {}, approval = {} } = input;
  return {
    enabled: input.enabled ?? usual.enabled,
    defaultPolicy: {
      maxOveragePercentage:
        policy.max_overage_percentage ?? usual.defaultPolicy.maxOveragePercentage,
      durationMinutes: policy.burst_duration_minutes ?? usual.defaultPolicy.durationMinutes,
    },
    mostAtOnce: orUsual(input.max_concurrent_burst_sessions, usual.mostAtOnce),
    mostPerTenantAndDay: orUsual(input.max_per_tenant_per_day, usual.mostPerTenantAndDay),
    cooldownMinutes: input.burst_cooldown_minutes ?? usual.cooldownMinutes,
    noticeMinutes: input.notice_minutes ?? usual.noticeMinutes,
    costMultiplier: microsOf(input.cost_multiplier ?? 1) ?? usual.costMultiplier,
    approval: {
      autoApproveThreshold: approval.auto_approve_threshold ?? usual.approval.autoApproveThreshold,
      required: approval.approvals_required ?? usual.approval.required,
      approvers: [...new Set(approval.approvers)],
      timeoutMinutes: approval.timeout_minutes ?? usual.approval.timeoutMinutes,
    },
  };
}

/** Null is a word of its own: no bound. */
function orUsual(limit: Limit | undefined, usual: Limit): Limit {
  return limit === undefined ? usual : limit;
}

/** Up to so many per cent of a limit a session needs nobody's leave; undefined where it always does. */
export function freePercentage({
  enabled,
  approval,
  defaultPolicy,
}: BurstCapacity): number | undefined {
  const percentage = Math.min(approval.autoApproveThreshold, defaultPolicy.maxOveragePercentage);
  return enabled && percentage > 100 ? percentage : undefined;
}

/** What each number has to be. */
export const burstRanges = {
  max_overage_percentage: [100, MAX_PERCENTAGE],
  burst_duration_minutes: [1, MAX_BURST_MINUTES],
  auto_approve_threshold: [100, MAX_PERCENTAGE],
  approvals_required: [1, 10],
  timeout_minutes: [1, MAX_BURST_MINUTES],
  burst_cooldown_minutes: [0, MAX_BURST_MINUTES],
  notice_minutes: [0, MAX_BURST_MINUTES],
  max_concurrent_burst_sessions: [0, 100_000],
  max_per_tenant_per_day: [0, 100_000],
} as const satisfies Record<string, readonly [number, number]>;

/** What is wrong in a document of the right shape, and where in it. */
export function burstCapacityProblems({
  default_policy: policy = {},
  approval = {},
}: BurstCapacityInput): { readonly path: readonly string[]; readonly message: string }[] {
  const capacity = burstCapacityOf({ default_policy: policy, approval });
  const { autoApproveThreshold, required, approvers } = capacity.approval;
  const most = capacity.defaultPolicy.maxOveragePercentage;
  const problems: { readonly path: readonly string[]; readonly message: string }[] = [];
  if (autoApproveThreshold > most) {
    const message = `nobody would have to agree up to ${autoApproveThreshold} %, and ${most} % is the most there may be (max_overage_percentage)`;
    problems.push({ path: ['approval', 'auto_approve_threshold'], message });
  }
  const people = countPeople(approvers);
  if (people > 0 && people < required) {
    const message = `${required} approvals are required, and only ${people} may approve`;
    problems.push({ path: ['approval', 'approvers'], message });
  }
  return problems;
}
