import { escapeInJson } from '../domain/text.ts';
import type { FollowedView } from '../service/event-page.ts';

// Server-sent events: blocks of `field: value` lines, each ended by an empty line. A block without
// data is no event, and its id still says up to where the client has seen everything.

export const EVENT_STREAM = 'text/event-stream';

/** How soon a client that lost its connection should come back. */
const RETRY_MS = 1_000;

export function retryBlock(): string {
  return `retry: ${RETRY_MS}\n\n`;
}

/** A comment as a sign of life, and up to where everything was looked at. */
export function positionBlock(last: number): string {
  return `:\nid: ${last}\n\n`;
}

/** An event is written down once for all who hear of it. */
const blocks = new WeakMap<FollowedView, string>();

export function eventBlock(event: FollowedView): string {
  const { sequence, operation } = event;
  let block = blocks.get(event);
  if (block === undefined) {
    block = `id: ${sequence}\nevent: ${operation}\ndata: ${escapeInJson(JSON.stringify(event))}\n\n`;
    blocks.set(event, block);
  }
  return block;
}

export interface Block {
  readonly id?: string;
  readonly data?: string;
}

/** The blocks of a stream as they arrive, in pieces of any size. */
export async function* blocksIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) yield parseBlock(block);
  }
}

function parseBlock(block: string): Block {
  const fields: { id?: string; data?: string } = {};
  for (const line of block.split('\n')) {
    const [, name, value = ''] = /^(id|data): ?(.*)$/.exec(line) ?? [];
    if (name === 'id') fields.id = value;
    if (name === 'data')
      fields.data = fields.data === undefined ? value : `${fields.data}\n${value}`;
  }
  return fields;
}
