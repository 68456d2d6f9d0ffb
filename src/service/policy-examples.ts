import { violationExample } from './job-examples.ts';

const gpuAtNight = {
  name: 'gpu-at-night',
  on: 'request' as const,
  when: "'gpu' in request.resources && time.hour >= 7 && time.hour < 20",
  action: 'queue' as const,
  message: 'GPU jobs start between 20:00 and 07:00.',
};

const releaseMayExceed = {
  name: 'release-may-exceed',
  on: 'violation' as const,
  when: "'release' in tenant.labels",
  action: 'allow' as const,
  message: null,
};

export const policyExample = {
  time_zone: 'Europe/Madrid',
  rules: [gpuAtNight, releaseMayExceed],
  revision: 3,
  applied_at: '2026-11-23T08:00:00.000Z',
};

export const policyInputExample = {
  time_zone: 'Europe/Madrid',
  rules: [gpuAtNight, releaseMayExceed],
};

export const policyTestExample = {
  tenant: 'acme',
  pool: 'default',
  time: { zone: 'Europe/Madrid', date: '2026-11-23', hour: 14, minute: 30, weekday: 1 },
  fired: {
    request: {
      rule: 'gpu-at-night',
      action: 'queue' as const,
      message: 'GPU jobs start between 20:00 and 07:00.',
    },
    violation: null,
  },
  rules: [
    {
      name: 'gpu-at-night',
      on: 'request' as const,
      action: 'queue' as const,
      matched: true,
      outcome: 'fired' as const,
      detail: '',
    },
    {
      name: 'release-may-exceed',
      on: 'violation' as const,
      action: 'allow' as const,
      matched: false,
      outcome: 'not_asked' as const,
      detail: 'asked only where a request does not fit, and no rule on: request decided it',
    },
  ],
  violations: [{ ...violationExample, resource: 'gpu' }],
};
