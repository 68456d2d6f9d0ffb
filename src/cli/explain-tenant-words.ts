import { scopeText } from '../domain/ceiling.ts';
import { formatDuration } from '../domain/duration.ts';
import { spokenName } from '../domain/resource.ts';
import { sayNeed } from './decision-words.ts';
import { labelled, labelledOnce, sayStand } from './explain-facts.ts';
import type { Fact, Story, TenantExplanation } from './story.ts';
import { count, sayMoment } from './words.ts';

/** Of a tenant: all that it waits for and was refused. */
export function tenantStoryOf(explanation: TenantExplanation, now: number): Story {
  const { tenant, running, waiting, suspended_by: suspended, causes, rejections } = explanation;
  const runs = `${tenant} runs ${running === 0 ? 'no job' : count(running, 'job')}`;
  const waits =
    waiting === 0 ? 'none waits' : `${count(waiting, 'job')} ${waiting === 1 ? 'waits' : 'wait'}`;
  const nothing = rejections.length === 0 ? ', and nothing was rejected within a day' : '';
  return {
    answer: `${runs}, ${waits}${nothing}.`,
    facts: [
      labelled('suspended', suspended === null ? [] : [`${suspended}: nothing new starts there`]),
      causes.map((cause) => sayCause(cause, explanation.units, now)),
      labelledOnce(rejections.map((rejection) => sayRejections(rejection, now))),
    ],
    wayOut: [],
  };
}

function sayCause(
  {
    scope,
    resource,
    is_money: isMoney,
    jobs,
    requested,
    first,
    ...stand
  }: TenantExplanation['causes'][number],
  units: TenantExplanation['units'],
  now: number,
): Fact {
  const waited = formatDuration((now - Date.parse(first.requested_at)) / 1000);
  const who = `${first.job_id ?? first.id} first, for ${waited}`;
  const [value, aside] = isMoney
    ? [`for the budget of ${scopeText(scope)}`, who]
    : [
        `for ${sayNeed(resource, requested, units)} in ${scopeText(scope)}`,
        `${sayStand({ resource, ...stand }, units, now)}; ${who}`,
      ];
  return {
    label: jobs === 1 ? '1 job waits' : `${jobs.toLocaleString('en-US')} jobs wait`,
    ...{ value, aside },
  };
}

function sayRejections(
  {
    code,
    scope,
    resource,
    times,
    last_at: last,
    decision_id: id,
  }: TenantExplanation['rejections'][number],
  now: number,
): Fact {
  const what = resource === null ? '' : `${spokenName(resource)} in `;
  return {
    label: 'rejected',
    value: `${count(times, 'time')}: ${code.replaceAll('_', ' ')}, ${what}${scopeText(scope)}`,
    aside: `last ${sayMoment(last, now)}, ${id}`,
  };
}
