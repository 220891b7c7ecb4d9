import type { CompletionCommand, CompletionWord } from './command-words.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const wordsOf = (words: readonly CompletionWord[]): string => words.map(({ word }) => word).join(' ');

const bashScript = (commands: readonly CompletionCommand[]): string => `# taleback completion bash
_taleback() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${wordsOf(commands)} --help --version"
  else
    case "\${COMP_WORDS[1]}" in
${commands.map(({ word, subcommands, options }) => `      ${word}) words="${wordsOf([...subcommands, ...options])}" ;;`).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _taleback taleback
`;

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** `word:what it is for`, as `_describe` reads it. */
const zshWord = ({ word, about }: CompletionWord): string =>
  quoted(`${word.replaceAll(':', '\\:')}:${about.replaceAll(':', '\\:')}`);

const zshList = (words: readonly CompletionWord[]): string => words.map(zshWord).join(' ');

const zshScript = (commands: readonly CompletionCommand[]): string => `#compdef taleback
_taleback() {
  local -a words_here
  if (( CURRENT == 2 )); then
    words_here=(${zshList(commands)})
    _describe 'command' words_here
    return
  fi
  case "$words[2]" in
${commands.map(({ word, subcommands, options }) => `    ${word}) words_here=(${zshList([...subcommands, ...options])}) ;;`).join('\n')}
  esac
  _describe 'option' words_here
  _files
}
compdef _taleback taleback
`;

const fishLines = ({ word, subcommands, options }: CompletionCommand): string[] => {
  const within = `complete -c taleback -n '__fish_seen_subcommand_from ${word}'`;
  return [
    ...subcommands.map((one) => `${within} -a ${one.word} -d ${quoted(one.about)}`),
    ...options.map((one) => `${within} -l ${one.word.replace(/^--/, '')} -d ${quoted(one.about)}`),
  ];
};

const fishScript = (commands: readonly CompletionCommand[]): string =>
  [
    '# taleback completion fish',
    ...commands.map(
      ({ word, about }) => `complete -c taleback -n __fish_use_subcommand -f -a ${word} -d ${quoted(about)}`,
    ),
    ...commands.flatMap(fishLines),
    '',
  ].join('\n');

/** The script with which a shell completes `taleback`. */
export const completionScript = (shell: Shell, commands: readonly CompletionCommand[]): string => {
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return zshScript(commands);
    case 'fish':
      return fishScript(commands);
    default:
      return shell satisfies never;
  }
};
