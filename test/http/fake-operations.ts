import * as z from 'zod';
import { OPERATORS } from '../../src/domain/role.ts';
import { operation } from '../../src/service/operation.ts';

const room = z.string().describe('A room.').meta({ example: 'blue' });
const guests = z.int().min(0).optional().describe('How many come.');

export const RoomResponse = z
  .strictObject({
    room: z.string(),
    state: z.enum(['open', 'waiting', 'refused']),
    replayed: z.boolean().optional(),
    code: z.enum(['locked', 'full']).optional(),
    error: z.string().optional(),
    trace_id: z.string().optional(),
  })
  .meta({ id: 'RoomResponse' });

export type Room = z.output<typeof RoomResponse>;

const notRun = () => Promise.reject(new Error('the service answers for it'));

const common = {
  method: 'POST',
  roles: OPERATORS,
  reach: 'tenant',
  isReadOnly: false,
  isVersioned: false,
  input: () => z.strictObject({ room, guests }),
  output: () => RoomResponse,
  example: { input: { room: 'blue', guests: 2 }, output: { room: 'blue', state: 'open' } },
  run: notRun,
} as const;

/** Its answer decides the status, it has a second path, and it takes a key. */
export const askForRoom = operation({
  ...common,
  name: 'room.ask',
  summary: 'Ask for a room',
  path: '/rooms/{room}/ask',
  alias: '/rooms/{room}/book',
  statuses: {
    201: 'It is open.',
    202: 'Wait.',
    403: 'Refused: it is locked.',
    422: 'Refused: it is too small.',
    429: 'Refused: it is full.',
  },
  statusOf({ state, code }) {
    if (state !== 'refused') return state === 'open' ? 201 : 202;
    return code === 'locked' ? 403 : 429;
  },
  takesKey: true,
  requestName: 'AskForRoomRequest',
});

/** Nothing is left of it but its answer. */
export const tryRoom = operation({
  ...common,
  name: 'room.try',
  summary: 'Ask what would be',
  path: '/rooms/{room}/try',
  isRehearsal: true,
});

/** Much may be sent to it. */
export const furnishRoom = operation({
  ...common,
  name: 'room.furnish',
  summary: 'Bring furniture',
  path: '/rooms/{room}/furnish',
  bodyLimit: 1024 * 1024,
});

export const fakeOperations = [askForRoom, tryRoom, furnishRoom];

export const open: Room = { room: 'blue', state: 'open' };
export const waiting: Room = { room: 'blue', state: 'waiting', code: 'full' };
export const full: Room = {
  ...{ room: 'blue', state: 'refused', code: 'full' },
  ...{ error: 'The room is full.', trace_id: 't-1' },
};
export const locked: Room = { ...full, code: 'locked', error: 'The room is locked.' };
