import { type Command, CommandFailed, sh, type TaskContext, type TaskHost } from 'rookery';

/** A page, and how it has to be. */
export interface HttpQuestion {
  readonly url: string;
  readonly status: number;
  /** '' where any will do. */
  readonly text: string;
  readonly timeout: number;
}

/** Asks from the host. Resolves to what is wrong, if anything is. @throws CommandFailed when the host itself cannot be asked */
export const askHost = async (host: TaskHost, question: HttpQuestion): Promise<string | undefined> => {
  try {
    await host.execute(ask(question), { label: `ask ${question.url}`, quiet: true, timeout: question.timeout + 1 });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommandFailed) || !['command', 'timeout'].includes(error.facts.code)) throw error;
    if (error.facts.exitCode === NO_CLIENT) throw error;
    return error.facts.code === 'timeout' ? `no answer within ${question.timeout} s` : error.facts.output;
  }
};

/** Asks from this machine; `{host}` in the URL is the host's address. */
export const askDeployer = async (
  host: TaskHost,
  { dryRun }: TaskContext,
  { url, status, text, timeout }: HttpQuestion,
): Promise<string | undefined> => {
  if (dryRun) return undefined;
  try {
    const signal = AbortSignal.timeout(timeout * 1000);
    const answer = await fetch(url.replace('{host}', host.address), { redirect: 'manual', signal });
    const body = await answer.text();
    return judge(answer.status, body, status, text);
  } catch (error) {
    const { message, cause } = error as Error;
    return cause instanceof Error && cause.message !== '' ? cause.message : message;
  }
};

const judge = (status: number, body: string, wanted: number, text: string): string | undefined => {
  if (status !== wanted) return `status ${status}, not ${wanted}`;
  return body.includes(text) ? undefined : `the answer does not hold '${text}'`;
};

const NO_CLIENT = 127;

/**
 * One attempt, by what the host has of curl, wget and node. A redirection is an answer; wget follows it, so there the
 * first status counts, and for the others the one that they are told to add at the end.
 */
export const ask = ({ url, status, text, timeout }: HttpQuestion): Command => sh`url=${url}
if command -v curl > /dev/null; then
  all=$(curl -sS -m ${timeout} -w '\nHTTP/1 %{http_code}' "$url" 2>&1) end=tail
elif command -v wget > /dev/null; then
  all=$(wget -S -O - "$url" 2>&1) end=head
elif command -v node > /dev/null; then
  all=$(node -e ${FETCH} "$url" 2>&1) end=tail
else
  echo 'the host has neither curl nor wget nor node to ask with' >&2
  exit ${NO_CLIENT}
fi
status=$(printf '%s\n' "$all" | sed -n 's|^ *HTTP/[0-9.]* \([0-9][0-9][0-9]\).*|\1|p' | $end -n 1)
case $status in
  ${status}) ;;
  '' | 000) printf '%s\n' "$all" | grep -v 'HTTP/1 000' | grep . | tail -n 1 >&2; exit 1 ;;
  *) echo "status $status, not "${status} >&2; exit 1 ;;
esac
case $all in
  *${text}*) ;;
  *) echo "the answer does not hold '"${text}"'" >&2; exit 1 ;;
esac`;

const FETCH = `fetch(process.argv[1], { redirect: 'manual' }).then(
  async (answer) => console.log((await answer.text()) + '\\nHTTP/1 ' + answer.status),
  (error) => console.log(String(error.cause ?? error)),
).then(() => process.exit())`;
