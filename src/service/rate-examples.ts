import type { RateView } from './rate-view.ts';

export const rateExample: RateView = {
  resource: 'cpu_m',
  pool: null,
  price_micro: 60_000,
  per: 'core',
  source: 'operator',
  begins_at: '2026-11-23T09:30:00.000Z',
  state: 'in_force',
};

export const ratesExample = { currency: 'USD', items: [rateExample] };
