import { Argument, type Command } from 'commander';
import { note } from '../run.ts';
import { asVerb, type Cli } from '../verb.ts';

// An own protocol and not @bomb.sh/tab: its scripts run what stands in the line ($(…) too) when
// TAB is pressed, need a package for bash, and complete no file names.

/** Said instead of candidates where a file is expected, which shells know more about. */
export const FILES = ':files';

const shells = ['bash', 'zsh', 'fish'] as const;

type Shell = (typeof shells)[number];

const scripts: Readonly<Record<Shell, string>> = {
  bash: `# Completion of hodei for bash. In ~/.bashrc: eval "$(hodei completion bash)"
_hodei() {
  local IFS=$'\\n'
  COMPREPLY=($(hodei complete bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [[ \${COMPREPLY[0]-} == ${FILES} ]]; then
    COMPREPLY=()
    compopt -o default
  fi
}
complete -F _hodei hodei`,

  zsh: `#compdef hodei
# Completion of hodei for zsh. In ~/.zshrc, after compinit: eval "$(hodei completion zsh)"
_hodei() {
  local -a found
  found=("\${(@f)$(hodei complete zsh -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${found[1]} == ${FILES} ]]; then
    _files
  elif [[ -n \${found[1]} ]]; then
    _describe hodei found
  fi
}
if [[ \${funcstack[1]} == _hodei ]]; then _hodei "$@"; else compdef _hodei hodei; fi`,

  fish: `# Completion of hodei for fish. In ~/.config/fish/config.fish: hodei completion fish | source
function __hodei_complete
    set -l words (commandline -opc)
    set -l found (hodei complete fish -- $words[2..-1] "$(commandline -ct)" 2>/dev/null)
    if test "$found" = ${FILES}
        __fish_complete_path (commandline -ct)
    else
        string join -- \\n $found
    end
end
complete -c hodei -f -a '(__hodei_complete)'`,
};

export function register(cli: Cli, command: Command): void {
  command.addArgument(new Argument('<shell>', 'whose completion').choices(shells));
  asVerb(
    cli,
    command,
    { examples: shells.map((shell) => `completion ${shell}`) },
    async (run, [shell]) => {
      const script = scripts[shell as Shell];
      run.terminal.out(script);
      const [, hint = ''] = /^# Completion.*?\. (.*)$/m.exec(script) ?? [];
      if (run.terminal.isOutTerminal) note(run, hint);
    },
  );
}
