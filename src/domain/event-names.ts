/** Every change that is ever recorded, by name. */
export const eventNames = [
  'tenant.create',
  'tenant.update',
  'tenant.suspend',
  'tenant.resume',
  'tenant.delete',
  'quota.set',
  'quota.unset',
  'quota.notice',
  'pool.create',
  'pool.update',
  'pool.hold',
  'pool.resume',
  'pool.delete',
  'job.admit',
  'job.adopt',
  'job.queue',
  'job.reject',
  'job.promote',
  'job.renew',
  'job.resize',
  'job.release',
  'job.cancel',
  'job.expire',
  'job.evict',
  'burst.request',
  'burst.approve',
  'burst.deny',
  'burst.cancel',
  'burst.begin',
  'burst.notice',
  'burst.end',
  'burst.expire',
  'burst.lapse',
  'policy.set',
  'policy.delete',
  'usage.repair',
  'usage.prune',
  'rate.set',
  'rate.unset',
  'budget.set',
  'budget.unset',
  'budget.credit',
  'budget.correct',
  'budget.warning',
  'budget.critical',
  'budget.exceeded',
  'token.create',
  'token.revoke',
  'token.refuse',
  'webhook.test',
  'config.apply',
  'db.restore',
] as const;

export type EventName = (typeof eventNames)[number];

/** What happens without anybody's asking for it: nobody could say why. */
const unasked: readonly EventName[] = [
  ...(['job.queue', 'job.reject', 'job.promote', 'job.expire', 'job.evict'] as const),
  ...(['burst.begin', 'burst.notice', 'burst.expire', 'burst.lapse'] as const),
  ...(['budget.warning', 'budget.critical', 'budget.exceeded'] as const),
  ...(['quota.notice', 'token.refuse'] as const),
];

/** The changes for which a reason can be demanded. */
export const reasonedNames: readonly EventName[] = eventNames.filter(
  (name) => !unasked.includes(name),
);

/** What events are about. */
export const eventNouns: readonly string[] = [
  ...new Set(eventNames.map((name) => name.slice(0, name.indexOf('.')))),
];
