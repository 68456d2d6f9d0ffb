import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';

const example = join(import.meta.dirname, '../../docs/examples/policy-rules.yaml');

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example --cpu 4 --gpu 2');
});
afterEach(() => home.remove());

const hodei = (line: string, options?: RunOptions) => shownBy(home, line, options);

/** Writes a file of rules, and answers how to name it. */
function write(text: string, name = 'rules.yaml'): string {
  const path = join(home.folder, name);
  writeFileSync(path, text);
  return path;
}

const rules = `time_zone: Europe/Madrid
rules:
  - name: gpu-at-night
    on: request
    when: "'gpu' in request.resources && time.hour >= 7 && time.hour < 20"
    action: queue
    message: GPU jobs start at night.
  - name: release
    on: violation
    when: has(tenant.labels.release)
    action: allow
`;

describe('policy set', () => {
  it('says what became of which rule, and what is in force', async () => {
    const file = write(rules);
    expect(await hodei(`policy set -f ${file} --dry-run`)).toBe(
      'Would add gpu-at-night and release.\n' +
        'The time of day would be that of Europe/Madrid.\n' +
        'Nothing was changed.',
    );
    expect(await hodei(`policy set -f ${file}`)).toBe(
      'Added gpu-at-night and release.\n' +
        'The time of day is now that of Europe/Madrid.\n' +
        'In force: 2 rules, in the time of Europe/Madrid (revision 1).',
    );
    expect(await hodei(`policy set -f ${file}`)).toBe(
      'Nothing to change: 2 rules, in the time of Europe/Madrid (revision 1).',
    );
    const [head = '', first = '', second = ''] = rules.split(/(?= {2}- name)/);
    const changed = head + second.replace('allow', 'warn') + first;
    expect(await hodei(`policy set -f ${write(changed)}`)).toBe(
      'Changed release.\nThe order is now release, gpu-at-night.\n' +
        'In force: 2 rules, in the time of Europe/Madrid (revision 2).',
    );
    expect(await hodei(`policy set -f ${write('{rules: []}')}`)).toBe(
      'Removed release and gpu-at-night.\nThe time of day is now that of UTC.\n' +
        'In force: no rules (revision 3).',
    );
  });

  it('takes the example, and what list writes as YAML', async () => {
    expect(await hodei(`policy set -f ${example}`)).toContain('In force: 6 rules');
    const { out } = await home.run('policy list -o yaml');
    const again = await hodei(`policy set -f ${write(out)}`);
    expect(again).toBe('Nothing to change: 6 rules, in the time of Europe/Madrid (revision 1).');
  });

  it('takes the standard input', async () => {
    const host = () => ({ readText: async (path: string) => (path === '-' ? rules : '') });
    expect(await hodei('policy set -f -', { host })).toContain('Added gpu-at-night and release.');
  });

  it('is noted in the audit by the names of the rules', async () => {
    await home.run(`policy set -f ${write(rules)}`);
    await home.run('policy delete release --yes');
    const audit = await hodei('audit list');
    expect(audit).toContain('time_zone UTC → Europe/Madrid, added gpu-at-night, added release');
    expect(audit).toContain('policy.delete\trule release');
  });

  const inRule = (when: string) => `rules:
  - name: a
    on: request
    action: reject
    ${when}
`;

  it.each([
    ['when: tenant.nam == "x"', '5:18', 'tenant has no "nam"; did you mean name?'],
    ['when: "tenant.nam == \'x\'"', '5:19', 'tenant has no "nam"'],
    ["when: 'tenant.name == ''x'' && tenant.nam == ''y'''", '5:43', 'tenant has no "nam"'],
    ['when: "tenant.name == \\"n\\" && tenant.nam == \\"x\\""', '5:43', 'tenant has no "nam"'],
    ['when: |\n      true\n        && tenant.nam == "x"', '7:19', 'tenant has no "nam"'],
    ['when: >-\n      true &&\n      tenant.nam == "x"', '7:14', 'tenant has no "nam"'],
    ['when: true &&\n      tenant.nam == "x"', '6:14', 'tenant has no "nam"'],
    ['when: |  # a block\n\n\n      tenant.nam == "x"', '8:14', 'tenant has no "nam"'],
    ['when: time.hour >=', '5:23', 'the expression ends where something is missing'],
    ['when: "time.hour >="', '5:24', 'the expression ends where something is missing'],
    ['when: time.hour', '5:11', 'this is of type int, and a rule is true or false'],
    ['when: "tenant.name.matches(\'a\')"', '5:24', 'matches() is not known here'],
  ])('points at the place in the file: %s', async (when, place, said) => {
    const shown = await hodei(`policy set -f ${write(inRule(when))}`);
    expect(shown).toContain(`! hodei: ~/rules.yaml:${place}: rules[0].when: ${said}`);
    expect(shown).toMatch(/exit 2$/);
    expect(await hodei('policy list -o name')).toBe('');
  });

  it.each([
    ['', '1:1: expected keys with values, found nothing'],
    ['a', '1:1: expected keys with values, found a'],
    ['rules: none', '1:8: rules: expected a list of rules, found none'],
    ['time_zone: UTC', '1:1: rules: expected a list of rules, found nothing'],
    ['time_zon: UTC\nrules: []', '1:1: time_zon: unknown key; did you mean time_zone?'],
    ['time_zone: Mars\nrules: []', '1:12: time_zone: "Mars" is no time zone'],
    ['rules: [', '1:9: this is not YAML: '],
    ['rules: []\nrules: []', '2:1: this key stands in line 1 already'],
    ['rules: []\n---\nrules: []', '2:1: a second document begins here'],
    ['a: &a x\nrules: *a', '2:8: expected the value itself, found an alias'],
    ['rules:\n  - on: request', '2:5: rules[0].name: expected a name such as gpu-at-night'],
    [`${rules}    extra: 1`, '12:5: rules[1].extra: unknown key; known here: name, on, when'],
    [rules.replace('on: request', 'on: never'), '4:9: rules[0].on: expected request or violation'],
    [rules.replace('queue', 'allow'), '6:13: rules[0].action: allow is for a rule on: violation'],
    [rules.replace(': release', ': gpu-at-night'), '8:11: rules[1].name: rules[0] has this name'],
    [
      rules.replace('time.hour < 20', 'has(violations.codes)'),
      'there are no violations on: request',
    ],
  ])('says what is wrong with a file, and where (%#)', async (text, said) => {
    const { err, code } = await home.run(['policy', 'set', '-f', write(text)]);
    expect(err).toContain(said);
    expect(code).toBe(2);
  });

  it('says all that is wrong at once, in the order of the file', async () => {
    const text = rules.replace('gpu-at-night', 'GPU').replace('has(', 'hass(');
    expect(await hodei(`policy set -f ${write(text)}`)).toBe(
      "! hodei: ~/rules.yaml:3:11: rules[0].name: a rule's name has 1 to 63 of a-z, 0-9 and -, " +
        'begins with a letter and does not end with -: "GPU"\n' +
        '!        ~/rules.yaml:10:11: rules[1].when: hass() is not known here; did you mean has()?\n' +
        'exit 2',
    );
  });

  it('needs a file that can be read', async () => {
    expect(await hodei('policy set')).toBe(
      '! hodei: Which rules?\n!        Name a file: -f rules.yaml, or -f -\nexit 2',
    );
    expect(await hodei('policy set -f /none')).toContain('/none cannot be read');
    const large = write(`# ${'x'.repeat(600_000)}\nrules: []`);
    expect(await hodei(`policy set -f ${large}`)).toContain('is larger than 524288 bytes');
  });
});

describe('policy list', () => {
  it('shows the rules in their order', async () => {
    expect(await hodei('policy list')).toBe(
      '! There are no rules. Write some in a file, then: hodei policy set -f rules.yaml',
    );
    await home.run(`policy set -f ${write(rules)}`);
    expect(await hodei('policy list')).toBe(
      "gpu-at-night\trequest\t'gpu' in request.resources && time.hour >= 7 && time.hour < 20" +
        '\tqueue\tGPU jobs start at night.\n' +
        'release\tviolation\thas(tenant.labels.release)\tallow\t-\n' +
        '! The time of day is that of Europe/Madrid.',
    );
    expect(await hodei('policy list -o name')).toBe('gpu-at-night\nrelease');
    const { out } = await home.run('policy list --json');
    expect(JSON.parse(out)).toMatchObject({ revision: 1, rules: [{ name: 'gpu-at-night' }, {}] });
    const csv = await hodei('policy list -o csv');
    expect(csv).toContain('name,on,when,action,message\ngpu-at-night,request,');
  });

  it('gives expressions lines of their own on a terminal', async () => {
    const block = rules.replace('has(tenant.labels.release)', '|\n      true\n        || false');
    await home.run(`policy set -f ${write(block)}`);
    const shown = await hodei('policy list', { isTerminal: true });
    expect(shown.replace(/^! on .*\n/m, '')).toBe(
      'gpu-at-night  on request: queue\n' +
        "    'gpu' in request.resources && time.hour >= 7 && time.hour < 20\n" +
        '  says "GPU jobs start at night."\n' +
        '\n' +
        'release  on violation: allow\n' +
        '    true\n' +
        '      || false\n' +
        '! The time of day is that of Europe/Madrid.',
    );
  });
});

describe('policy test', () => {
  const at = (time: string) => `--at 2026-11-23T${time}:00Z`;

  it('says which rule acts, and why the others do not', async () => {
    const file = write(rules);
    expect(await hodei(`policy test --tenant acme --gpu 1 -f ${file} ${at('09:30')}`)).toBe(
      'gpu-at-night\trequest\tqueue\tacts\tthe first that matches\n' +
        'release\tviolation\tallow\tnot asked\tasked only where a request does not fit, and no ' +
        'rule on: request decided it\n' +
        '! On Monday TIME in Europe/Madrid:\n' +
        '! on request: gpu-at-night acts: it waits in the queue, and says "GPU jobs start at night."\n' +
        '! on violation: not asked, since that decides it',
    );
    await home.run(`policy set -f ${file}`);
    const later = await hodei(`policy test --tenant acme --gpu 1 ${at('23:30')}`);
    expect(later).toContain('no\ttime.hour >= 7 is false: time.hour is 0');
    expect(later).toContain('! On Tuesday TIME in Europe/Madrid:\n! on request: no rule acts\n');
    expect(later).toContain('! on violation: not asked, since it fits');
  });

  it('asks rules on: violation of what does not fit', async () => {
    await home.run('job admit --tenant acme --gpu 2');
    await home.run(`policy set -f ${write(rules)}`);
    const test = () => hodei(`policy test --tenant acme --gpu 1 ${at('23:30')}`);
    expect(await test()).toContain('! on violation: no rule acts');
    await home.run('tenant update acme --label release=7.2');
    expect(await test()).toContain('! on violation: release acts: it starts above limits');
    const impossible = await hodei(`policy test --tenant acme --cpu 9`);
    expect(impossible).toContain('! on violation: not asked, since it can never fit');
    await home.run('tenant suspend acme');
    expect(await test()).toContain('since its tenant is suspended');
  });

  it('says what went wrong in a rule, and answers in JSON', async () => {
    const file = write(
      'rules: [{name: a, on: request, when: request.labels.team == "x", action: warn}]',
    );
    const line = `policy test --tenant acme --cpu 1 -f ${file}`;
    expect(await hodei(line)).toContain('a\trequest\twarn\terror\terror: no such key: team\n');
    expect(await hodei(`${line} --label team=x`)).toContain('a\trequest\twarn\tacts\t');
    const { out } = await home.run(`${line} --label team=x --priority 3 --json`);
    expect(JSON.parse(out)).toMatchObject({ fired: { request: { rule: 'a', action: 'warn' } } });
  });

  it('says where there are no rules, and refuses what it cannot try', async () => {
    expect(await hodei('policy test --tenant acme --cpu 1')).toMatch(/^! There are no rules/);
    expect(await hodei('policy test --cpu 1')).toContain('Whose job is it?');
    expect(await hodei('policy test --tenant acm --cpu 1')).toContain('Did you mean acme?');
    expect(await hodei('policy test --tenant acme --cpu 1 --at noon')).toContain('exit 2');
  });
});

describe('policy delete', () => {
  beforeEach(() => home.run(`policy set -f ${write(rules)}`));

  it('asks, and deletes what is named', async () => {
    expect(await hodei('policy delete release')).toBe(
      '! hodei: Delete rule release? Nobody is here to answer.\n' +
        '!        Say it beforehand with --yes.\nexit 2',
    );
    const asked = await hodei('policy delete release', { isTerminal: true, answer: false });
    expect(asked).toContain('! ? Delete rule release?\n! Nothing was changed.');
    expect(await hodei('policy delete release gpu-at-night --dry-run')).toBe(
      'Would delete rules release and gpu-at-night. Nothing was changed.',
    );
    expect(await hodei('policy delete release --yes')).toBe('Deleted rule release.');
    expect(await hodei('policy list -o name')).toBe('gpu-at-night');
  });

  it('goes on where one of several is not there', async () => {
    expect(await hodei('policy delete relase gpu-at-night --yes')).toBe(
      'Deleted rule gpu-at-night.\n' +
        '! hodei: Policy rule not found: relase\n!        Did you mean release?\nexit 3',
    );
  });
});

describe('the example file', () => {
  it('says how it is tried and set, in words that work', () => {
    const text = readFileSync(example, 'utf8');
    expect(text).toContain('hodei policy test --tenant acme --gpu 2 -f policy-rules.yaml');
    expect(text).toContain('hodei policy set -f policy-rules.yaml');
  });
});
