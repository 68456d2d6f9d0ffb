import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { shownBy } from '../helpers/shown.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create eng --email eng@acme.example --cpu 40 --memory 10Gi');
});
afterEach(() => home.remove());

const hodei = (line: string, options?: RunOptions) => shownBy(home, line, options);

const acme = 'tenant create acme --email ops@acme.example --parent eng --label cc=4711';

describe('tenant create', () => {
  it('answers with one sentence that has the id and the limits', async () => {
    expect(await hodei(`${acme} --cpu 4 --memory 8Gi --jobs 10`)).toMatchInlineSnapshot(
      `"Created acme (tenant-…) under eng: 4 cores, 8 GiB, 0 GPU, 10 jobs."`,
    );
  });

  it('notes where a tenant above has less', async () => {
    expect(await hodei(`${acme} --memory 16Gi --gpu 1 --cpu unlimited`)).toMatchInlineSnapshot(`
      "Created acme (tenant-…) under eng: unlimited cores, 16 GiB, 1 GPU, 10 jobs.
      ! Note: eng above it has 40 cores, so acme cannot use more.
      ! Note: eng above it has 10 GiB of memory, so acme cannot use all of its 16.
      ! Note: eng above it has 0 GPU, so acme cannot use all of its 1."
    `);
  });

  it('says no more than the REST body where JSON is asked for', async () => {
    const { out, err } = await home.run(`${acme} --memory 16Gi --json`);
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({ name: 'acme', parent: 'eng', version: 1 });
  });

  it('changes nothing in a dry run', async () => {
    expect(await hodei(`${acme} --dry-run`)).toMatchInlineSnapshot(
      `"Would create acme under eng. Nothing was changed."`,
    );
    expect(await hodei('tenant get acme')).toMatchInlineSnapshot(`
      "! hodei: Tenant not found: acme
      !        See which there are: hodei tenant list
      exit 3"
    `);
  });

  it.each([
    'tenant create Acme --email ops@acme.example',
    'tenant create acme',
    'tenant create acme --email nobody',
    'tenant create eng --email ops@acme.example',
    'tenant create acme --email a@b.example --parent egn',
    'tenant create acme --email a@b.example --memory 8192',
    'tenant create acme --email a@b.example --cpu -1',
    'tenant create acme --email a@b.example --cpu-m -1',
    'tenant create acme --email a@b.example --set licence=3',
    'tenant create acme --email a@b.example --cpu 1 --cpu-m 1000',
    'tenant create acme --email a@b.example --label cc',
    'tenant create acme --email a@b.example --weight 0',
    'tenant create acme --email a@b.example --reason "two\u001b[2Jlines"',
    'tenant create acme --email a@b.example --emial x',
  ])('refuses %j with the way out', async (line) => {
    expect(await hodei(line)).toMatchSnapshot();
  });
});

describe('tenant get', () => {
  it('shows one tenant field by field, and several as rows', async () => {
    await hodei(acme);
    expect(await hodei('tenant get acme')).toMatchInlineSnapshot(`
      "name	acme
      id	tenant-…
      email	ops@acme.example
      parent	eng
      status	active
      weight	1
      labels	cc=4711
      created	TIME
      updated	TIME
      version	1"
    `);
    expect(await hodei('tenant get acme eng')).toMatchInlineSnapshot(`
      "acme	tenant-…	eng	active	1	ops@acme.example	cc=4711
      eng	tenant-…	-	active	1	eng@acme.example	"
    `);
  });

  it('goes on after one that does not exist, and ends with its code', async () => {
    expect(await hodei('tenant get egn eng -o name')).toMatchInlineSnapshot(`
      "eng
      ! hodei: Tenant not found: egn
      !        Did you mean eng?
      exit 3"
    `);
  });

  it('answers an error as JSON where JSON was asked for', async () => {
    const { out, err, code } = await home.run('tenant get egn --json');
    expect([out, JSON.parse(err), code]).toEqual([
      '',
      { error: 'Tenant not found: egn', code: 'not_found', hint: 'Did you mean eng?' },
      3,
    ]);
  });
});

describe('tenant list', () => {
  beforeEach(async () => {
    await hodei(acme);
    await hodei('tenant create web --email web@acme.example --parent acme --weight 3');
  });

  it('prints tab-separated rows without a head where no terminal is', async () => {
    expect(await hodei('tenant list')).toMatchInlineSnapshot(`
      "acme	tenant-…	eng	active	1	ops@acme.example	cc=4711
      eng	tenant-…	-	active	1	eng@acme.example	
      web	tenant-…	acme	active	3	web@acme.example	"
    `);
  });

  it('prints a table on a terminal, after where it acts', async () => {
    expect(await hodei('tenant list --tree', { isTerminal: true })).toMatchInlineSnapshot(`
      "NAME     ID                   PARENT  STATUS  WEIGHT  EMAIL             LABELS
      eng      tenant-…  -       active  1       eng@acme.example
        acme   tenant-…  eng     active  1       ops@acme.example  cc=4711
          web  tenant-…  acme    active  3       web@acme.example
      ! on ~/data/hodei/hodei.db"
    `);
  });

  it('filters by parent, label, prefix and status', async () => {
    await hodei('tenant suspend web');
    expect(await hodei('tenant list --parent eng -o name')).toBe('acme');
    expect(await hodei('tenant list --parent eng --tree -o name')).toBe('acme\nweb');
    expect(await hodei('tenant list -l cc=4711 -o name')).toBe('acme');
    expect(await hodei('tenant list --prefix w -o name')).toBe('web');
    expect(await hodei('tenant list --status suspended -o name')).toBe('web');
  });

  it('prints one page on a terminal and says how to go on', async () => {
    const shown = await hodei('tenant list --limit 2 -o name', { isTerminal: true });
    expect(shown).toMatch(
      /^acme\neng\n! on ~.*\n! There are more: --cursor \S+ for the next page, or --all$/,
    );
    const [, cursor = ''] = /--cursor (\S+)/.exec(shown) ?? [];
    expect(await hodei(`tenant list -o name --cursor ${cursor}`)).toBe('web');
  });

  it('prints everything where no terminal is', async () => {
    for (let i = 0; i < 110; i++) await home.run(`tenant create t-${i} --email a@b.example`);
    const { out, err } = await home.run('tenant list -o name');
    expect([out.split('\n').length, err]).toEqual([113, '']);
    const { out: json } = await home.run('tenant list --json');
    expect(JSON.parse(json)).toMatchObject({ next_cursor: null, items: { length: 113 } });
  });

  it('writes CSV that a spreadsheet may open, and YAML', async () => {
    await home.run(['tenant', 'update', 'web', '--label', 'note==1+1', '--label', 'a=x']);
    expect(await hodei('tenant list --prefix w -o csv')).toMatchInlineSnapshot(`
      "name,id,parent,status,weight,email,labels
      web,tenant-…,acme,active,3,web@acme.example,a=x note==1+1"
    `);
    expect(await hodei('tenant list --prefix w -o yaml')).toMatchInlineSnapshot(`
      "items:
        - id: tenant-…
          name: web
          email: web@acme.example
          parent: acme
          weight: 3
          labels:
            a: x
            note: =1+1
          status: active
          created_at: TIME
          updated_at: TIME
          version: 2
      next_cursor: null"
    `);
  });

  it.each(['tenant list -o xml', 'tenant list --json -o csv', 'tenant list --limit 501'])(
    'refuses %j',
    async (line) => {
      expect(await hodei(line)).toMatchSnapshot();
    },
  );
});

describe('tenant update', () => {
  beforeEach(async () => {
    await hodei(acme);
  });

  it('says what the tenant is after the change', async () => {
    expect(
      await hodei(
        'tenant update acme --email new@acme.example --weight 5 --label a=b --unlabel cc',
      ),
    ).toMatchInlineSnapshot(`"acme: under eng, new@acme.example, weight 5, a=b, version 2."`);
    expect(await hodei('tenant update acme --no-parent --name acme-eu')).toMatchInlineSnapshot(
      `"acme-eu: a root, new@acme.example, weight 5, a=b, version 3."`,
    );
  });

  it('relabels all with a label', async () => {
    await hodei('tenant update eng --label cc=4711');
    expect(await hodei('tenant update -l cc=4711 --label tier=gold')).toMatchInlineSnapshot(`
      "eng: a root, eng@acme.example, weight 1, cc=4711 tier=gold, version 3.
      acme: under eng, ops@acme.example, weight 1, cc=4711 tier=gold, version 2."
    `);
    expect(await hodei('tenant list -l tier=gold -o name')).toBe('eng\nacme');
  });

  it.each([
    'tenant update acme',
    'tenant update --email a@b.example',
    'tenant update acme -l cc=4711 --weight 2',
    'tenant update acme eng --name other',
    'tenant update eng --parent acme',
    'tenant update acme --weight 2 --if-version 7',
  ])('refuses %j with the way out', async (line) => {
    expect(await hodei(line)).toMatchSnapshot();
  });
});

describe('tenant suspend and resume', () => {
  it('say the state that they lead to', async () => {
    expect(await hodei('tenant suspend eng')).toMatchInlineSnapshot(
      `"eng is suspended: nothing new starts."`,
    );
    expect(await hodei('tenant resume eng --dry-run')).toMatchInlineSnapshot(`
      "eng would be active.
      Nothing was changed."
    `);
    expect(await hodei('tenant resume eng')).toMatchInlineSnapshot(`"eng is active."`);
  });
});

describe('tenant delete', () => {
  beforeEach(async () => {
    await hodei(acme);
  });

  it('needs a yes beforehand where nobody can be asked', async () => {
    expect(await hodei('tenant delete acme')).toMatchInlineSnapshot(`
      "! hodei: Delete acme? Nobody is here to answer.
      !        Say it beforehand with --yes.
      exit 2"
    `);
    expect(await hodei('tenant delete acme --yes')).toMatchInlineSnapshot(`"Deleted acme."`);
  });

  it('asks on a terminal, with what goes with it', async () => {
    const answer = false;
    expect(await hodei('tenant delete eng --cascade', { isTerminal: true, answer }))
      .toMatchInlineSnapshot(`
      "! on ~/data/hodei/hodei.db
      ! ? Delete eng and 1 tenant below?
      ! Nothing was changed."
    `);
    expect(await hodei('tenant list -o name')).toBe('acme\neng');
  });

  it('refuses while something is below, and deletes all with --cascade', async () => {
    expect(await hodei('tenant delete eng --yes')).toMatchInlineSnapshot(`
      "! hodei: eng has tenants below it, such as acme.
      !        Move or delete them first, or delete all of them: hodei tenant delete eng --cascade
      exit 5"
    `);
    expect(await hodei('tenant delete eng --cascade --dry-run')).toMatchInlineSnapshot(
      `"Would delete eng and 1 tenant below. Nothing was changed."`,
    );
    expect(await hodei('tenant delete eng --cascade --yes')).toMatchInlineSnapshot(
      `"Deleted eng and 1 tenant below."`,
    );
    expect(await hodei('tenant list')).toBe('');
  });

  it('deletes what overlaps once, and counts it once', async () => {
    await hodei('tenant create web --email web@acme.example --parent acme');
    expect(await hodei('tenant delete eng acme web --cascade --dry-run')).toBe(
      'Would delete eng and 2 tenants below. Nothing was changed.',
    );
    expect(await hodei('tenant delete web eng acme --cascade --yes')).toBe(
      'Deleted eng and 2 tenants below.',
    );
    expect(await hodei('tenant list')).toBe('');
  });

  it('goes on after one that does not exist', async () => {
    expect(await hodei('tenant delete nobody acme --yes')).toBe(
      [
        'Deleted acme.',
        '! hodei: Tenant not found: nobody',
        '!        See which there are: hodei tenant list',
        'exit 3',
      ].join('\n'),
    );
  });

  it('does not ask about one that does not exist', async () => {
    const { err, code } = await home.run('tenant delete nobody', {
      isTerminal: true,
      answer: true,
    });
    expect(err).not.toContain('?');
    expect(code).toBe(3);
  });
});
