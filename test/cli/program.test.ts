import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { nouns } from '../../src/cli/nouns.ts';
import { newCliHome, type CliHome } from '../helpers/cli.ts';

let home: CliHome;

beforeEach(() => {
  home = newCliHome();
});
afterEach(() => home.remove());

describe('help', () => {
  it('is what a bare hodei prints', async () => {
    const { out, err, code } = await home.run([]);
    expect([err, code]).toEqual(['', 0]);
    expect(out).toMatchInlineSnapshot(`
      "Usage: hodei <command>

      The quota authority for job servers: who may use how much, and why not more.

      Commands:
        tenant      who is charged: create, get, list, update, suspend, delete
        quota       how much they may use: get, set, unset, list, history
        pool        where jobs run: create, get, list, update, hold, resume, delete
        job         what occupies quota: admit, release, renew, resize, list, adopt
        queue       who waits, for what, and whose turn it is: list, status
        run         run a command as a job, from admission to release
        explain     why a job waits or was refused, and what would help
        violation   requests that did not fit, with the numbers of that moment
        policy      rules that decide beside the limits: set, list, test, delete
        burst       higher limits for a while: request, approve, deny, end, list
        budget      what a month may cost: set, get, list, credit, correct
        usage       what is held, now and over time: show, history, verify, prune
        advise      limits that are too low or far too high, and what sets them
        cost        what use cost, by tenant, pool, label or job: report
        rate        what an hour of a resource costs: list, set, unset
        audit       who changed what, and proof of it: list, verify, export
        watch       every decision and change as it happens
        webhook     who is told of events, and whether they take them: list, test
        top         who has most, and who waits: pools, queue, bursts, live
        metrics     what Prometheus reads, with a server or without
        token       who may come in through a server: create, list, revoke
        login       log in to a server, and act there from then on
        context     where you are logged in: list, use, delete
        whoami      who you are, and what you are here for
        config      the config file, and putting it in force
        db          the database file: status, migrate, backup, restore
        serve       offer everything over REST
        doctor      check that everything is as it should be
        completion  completion for bash, zsh or fish

      Examples:
        $ hodei tenant create acme --email ops@acme.example --cpu 4 --memory 8Gi
        $ hodei quota set acme --cpu 6 --gpu +2
        $ hodei quota get acme
        $ hodei serve

      Every command has --help, and takes -o json|yaml|csv|name, --db PATH, --server URL and --context NAME."
    `);
  });

  it('of a noun has its verbs and examples', async () => {
    const { out, code } = await home.run('tenant');
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "Usage: hodei tenant <command>

      who is charged: create, get, list, update, suspend, delete

      Commands:
        create   create a tenant, with the default quota or limits of its own
        get      show tenants by name, id or the beginning of an id
        list     list tenants
        update   rename, move or relabel tenants
        suspend  let nothing new start, for them and below them
        resume   undo suspend
        delete   delete tenants; their history stays, their names are free again

      Examples:
        $ hodei tenant create acme --email ops@acme.example --cpu 4 --memory 8Gi
        $ hodei tenant list --tree
        $ hodei tenant update acme --label tier=gold"
    `);
  });

  it('of a verb has its flags and examples', async () => {
    const { out, code } = await home.run('quota set --help');
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "Usage: hodei quota set [options] [tenant...]

      set limits; those that are not named stay as they are

      Options:
        -l, --selector <key=value>  all tenants with this label
        --pool <pool>               the limits in this pool, beside those everywhere

      Limits (4, 1.5, 500m, 8Gi, unlimited; +2 and -2 change what is):
        --cpu <cores>               cores: 4, 1.5, 500m
        --memory <size>             with its unit: 8Gi, 512Mi
        --gpu <n>                   GPUs
        --jobs <n>                  jobs at one time
        --cpu-m <n>                 millicores, in place of --cpu
        --memory-mb <n>             MiB, in place of --memory
        --max-concurrent-jobs <n>   the same as --jobs
        --set <name=n>              any resource of the catalogue, in its base unit

      The change:
        --reason <text>             why, for the audit
        --as <name>                 a name to be noted beside yours
        --dry-run                   say what would follow, and change nothing
        --if-version <n>            only if it is still at this version

      Where and how:
        -o, --output <format>       table, json, yaml, csv or name
        --json                      the same as -o json: what REST answers
        --db <path>                 the database file
        --server <url>              a hodei server, instead of a file
        --context <name>            where you are logged in; local: the file here
        --config <file>             the config file
        --no-color                  no colours (also NO_COLOR)
        -h, --help                  this help

      Examples:
        $ hodei quota set acme --cpu 6 --memory 12Gi --gpu +2 --reason "release week"
        $ hodei quota set acme --jobs unlimited --dry-run
        $ hodei quota set acme --pool gpu --gpu 4
        $ hodei quota set -l tier=bronze --cpu 8"
    `);
  });

  it('of every verb has an example, and every line of an example is understood', async () => {
    for (const noun of nouns) {
      const { out } = await home.run([noun.name, '--help']);
      expect(out, noun.name).toContain('Examples:');
      const verbs = [...out.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, verb = '']) => verb);
      for (const verb of noun.hasVerbs ? verbs : []) {
        const help = await home.run([noun.name, verb, '--help']);
        expect(help.out, `${noun.name} ${verb}`).toContain('Examples:\n  $ hodei ');
      }
    }
  });
});

describe('a word that other programs know', () => {
  it('is understood: help and version', async () => {
    expect(await home.run('help quota set')).toEqual(await home.run('quota set --help'));
    expect(await home.run('help')).toEqual(await home.run([]));
    expect((await home.run('version')).out).toBe('1.2.3');
  });
});

describe('a wrong command line', () => {
  it.each([
    'tennant',
    'xyz',
    'tenant crate',
    'tenant list --stauts active',
    'quota set acme --cpu',
    'tenant create',
    'tenant list one two',
    'tenant list --limit many',
    'doctor --db',
    'tenant list --db a.db --server http://127.0.0.1:1',
  ])('%j says what would be right, and ends with 2', async (line) => {
    const { out, err, code } = await home.run(line);
    expect([out, code]).toEqual(['', 2]);
    expect(err).toMatchSnapshot();
  });
});

describe('a place that is not there', () => {
  it('is named, with the way out, and ends with 7', async () => {
    expect(await home.run('tenant list')).toMatchInlineSnapshot(`
      {
        "code": 7,
        "err": "hodei: There is no database at ~/data/hodei/hodei.db.
             Create the first tenant there, or an empty database: hodei db migrate",
        "out": "",
      }
    `);
    expect(await home.run('tenant list --server http://127.0.0.1:9')).toMatchInlineSnapshot(`
      {
        "code": 7,
        "err": "hodei: The connection to http://127.0.0.1:9 broke off before the answer was there.",
        "out": "",
      }
    `);
  });
});

describe('shared flags', () => {
  it('may stand before the noun too', async () => {
    await home.run('tenant create acme --email ops@acme.example');
    const before = await home.run('--json tenant get acme');
    expect(before.code).toBe(0);
    expect(before.out).toBe((await home.run('tenant get acme --json')).out);
  });
});

describe('a bug', () => {
  it('shows the trace and no cause, unless somebody looks for it', async () => {
    const { err, code } = await home.run('tenant list', { env: { XDG_DATA_HOME: '\0' } });
    expect(code).not.toBe(0);
    expect(err).toContain('hodei:');
  });
});

it('every verb can be built at once, as the reference and completion do', async () => {
  const cli = {
    terminal: {} as Parameters<typeof buildProgram>[0]['terminal'],
    host: { version: '1' } as Parameters<typeof buildProgram>[0]['host'],
    setExitCode: () => undefined,
  };
  const terminal = { outColour: { level: 0 }, errColour: { level: 0 } };
  const program = buildProgram({ ...cli, terminal: terminal as (typeof cli)['terminal'] });
  for (const noun of nouns) {
    const command = program.commands.find((each) => each.name() === noun.name);
    await noun.register(cli, command!);
    expect(command!.commands.length > 0).toBe(noun.hasVerbs);
  }
});
