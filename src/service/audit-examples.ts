import { eventExample } from './examples.ts';

const head = { sequence: eventExample.sequence, hash: eventExample.hash };

export const verificationExample = {
  checked: 18,
  last: head,
  broken_at: null,
  why: null,
  head,
  is_last: true,
};

export const exportExample = {
  from: {
    sequence: 17,
    hash: '8d2f7c0a4a7b1cf2f2f6a0f6e4f5b7d1f0b7a39f0d0a7c1bb0a1f5e8c2d4e6f7',
  },
  items: [eventExample],
  head,
  next_cursor: null,
};
