import * as z from 'zod';
import { burstRanges, defaultBurstCapacity } from '../../domain/burst-capacity.ts';
import { isPrintable } from '../../domain/text.ts';
import { price } from './cost-tracking.ts';
import { expected, orNull, section, trueOrFalse, whole } from './section.ts';

/** What a session of burst capacity may be, as the config file has it. */
export function burstCapacitySection() {
  const usual = defaultBurstCapacity;
  return section({
    enabled: trueOrFalse()
      .default(usual.enabled)
      .describe('Whether there are burst sessions; false takes their rules out'),
    default_policy: section({
      max_overage_percentage: burstNumber('max_overage_percentage')
        .default(usual.defaultPolicy.maxOveragePercentage)
        .describe('Up to so many per cent of its limit a tenant can be lent'),
      burst_duration_minutes: burstNumber('burst_duration_minutes')
        .default(usual.defaultPolicy.durationMinutes)
        .describe('How long a session is that does not say how long'),
    })
      .prefault({})
      .describe('What a session is'),
    max_concurrent_burst_sessions: orNull(
      'unlimited',
      burstNumber('max_concurrent_burst_sessions', ', or unlimited'),
    )
      .default(usual.mostAtOnce)
      .describe('How many sessions there may be at the same time, of all tenants together'),
    max_per_tenant_per_day: orNull(
      'unlimited',
      burstNumber('max_per_tenant_per_day', ', or unlimited'),
    )
      .default(usual.mostPerTenantAndDay)
      .describe('How many sessions of one tenant may begin on one day (UTC)'),
    burst_cooldown_minutes: burstNumber('burst_cooldown_minutes')
      .default(usual.cooldownMinutes)
      .describe(
        'Between two sessions of a tenant; 0: they may also overlap, and the largest counts',
      ),
    notice_minutes: burstNumber('notice_minutes')
      .default(usual.noticeMinutes)
      .describe('So long before it the end of a session is announced; 0: it is not'),
    cost_multiplier: price()
      .default(1)
      .describe('How many times as much what runs under a session costs'),
    approval: burstApproval().prefault({}),
  }).describe('Capacity that is lent for a while');
}

function burstApproval() {
  const { approval } = defaultBurstCapacity;
  return section({
    auto_approve_threshold: burstNumber('auto_approve_threshold')
      .default(approval.autoApproveThreshold)
      .describe(
        'Up to so many per cent of a limit nobody has to agree; 100: somebody always has to',
      ),
    approvals_required: burstNumber('approvals_required')
      .default(approval.required)
      .describe('How many people have to agree, none of them who asks'),
    approvers: z
      .array(
        z
          .string({ error: expected('a name') })
          .min(1, { error: expected('a name') })
          .max(100, { error: expected('a name of at most 100 characters') })
          .refine(isPrintable, { error: expected('a name without control characters') }),
        { error: expected('a list of names') },
      )
      .max(100, { error: expected('at most 100 names') })
      .default([])
      .describe('Who may agree, by principal; nobody named: everybody whose role allows it'),
    timeout_minutes: burstNumber('timeout_minutes')
      .default(approval.timeoutMinutes)
      .describe('After so long without an answer a request lapses'),
  }).describe('Who has to agree');
}

function burstNumber(key: keyof typeof burstRanges, orElse = '') {
  const [least, most] = burstRanges[key];
  return whole(least, most, `a whole number from ${least} to ${most}${orElse}`);
}
