import { type Command, sh } from '#protocol/shell.ts';

/**
 * A relay passes a stream on to the next host while it takes it itself: what it reads goes to its stdout and to the next
 * one. Nothing of ours runs on these hosts yet, so it is written for what they have. Its orders are lines on stdin, its
 * answers lines on file descriptor 3, which begin with `relay`:
 *
 *     listen <token> <address or *> <first port> <last port>    -> listening <port> <SSH_CONNECTION> <own addresses>, or failed <why>
 *     next <token> <port> <address>...                          -> linked, or failed <why>
 *     take           reads what comes from the host before it, which has to say the token first
 *     take-stdin     reads what follows on stdin
 *
 * A next host that takes nothing for ten seconds is given up, and the stream goes on without it.
 */
export const relayProgram = (tools: readonly string[]): Command | undefined => {
  if (tools.includes('perl')) return sh`perl -e ${PERL}`;
  if (tools.includes('python3')) return sh`python3 -c ${PYTHON}`;
  return undefined;
};

const PERL = String.raw`use strict; use Socket qw(:all);
open(my $told, ">&=", 3) or exit 1;
sub answer { syswrite($told, join("\t", "relay", @_) . "\n") }
sub line {
  my ($from, $line, $c) = ($_[0], "", "");
  while ($line !~ /\n/) { sysread($from, $c, 1) or return; $line .= $c }
  chomp $line; return $line;
}
sub within {
  my ($seconds, $act) = @_;
  my $done = eval { local $SIG{ALRM} = sub { die "it does not answer\n" }; alarm $seconds; $act->(); alarm 0; 1 };
  my $why = $@; alarm 0; chomp $why;
  return $done ? undef : $why;
}
sub resolved {
  my ($why, $found) = getaddrinfo($_[0], $_[1], { flags => AI_NUMERICHOST, socktype => SOCK_STREAM });
  die "$why\n" if $why;
  socket(my $socket, $found->{family}, SOCK_STREAM, 0) or die "$!\n";
  return ($socket, $found->{addr});
}
sub addresses {
  my ($before, @found) = ("");
  if (open(my $trie, "<", "/proc/net/fib_trie")) {
    while (<$trie>) { push @found, $before if m{/32 host LOCAL}; $before = $1 if /\|-- (\S+)/ }
  }
  if (open(my $six, "<", "/proc/net/if_inet6")) {
    while (<$six>) { push @found, inet_ntop(AF_INET6, pack("H*", $1)) if /^([0-9a-f]{32}) \S+ \S+ 00/ }
  }
  my %seen; return join(" ", grep { !$seen{$_}++ } @found);
}
sub listening {
  my ($host, $first, $last) = @_;
  my $why = "";
  for my $port ($first .. $last) {
    for my $address ($host eq "*" ? ("::", "0.0.0.0") : $host) {
      my $socket = eval {
        my ($new, $at) = resolved($address, $port);
        setsockopt($new, SOL_SOCKET, SO_REUSEADDR, 1);
        bind($new, $at) && listen($new, 8) or die "$!\n";
        $new;
      };
      if ($socket) {
        answer("listening", $port, $ENV{SSH_CONNECTION} // "", addresses());
        return $socket;
      }
      chomp($why = $@);
    }
  }
  answer("failed", $why); return;
}
sub put {
  my ($to, $data) = @_;
  while (length $data) { my $n = syswrite($to, $data) or die "$!\n"; substr($data, 0, $n) = "" }
}
$SIG{PIPE} = "IGNORE";
my ($listener, $token, $next, $from);
while (!$from) {
  my ($what, @words) = split / /, line(*STDIN) // exit 1;
  if ($what eq "listen") { $token = shift @words; $listener = listening(@words) }
  elsif ($what eq "next") {
    my ($word, $port, @hosts) = @words;
    my $why;
    for my $host (@hosts) {
      $why = within(2, sub {
        my ($socket, $at) = resolved($host, $port);
        connect($socket, $at) or die "$!\n";
        put($socket, "$word\n"); $next = $socket;
      });
      last if !defined $why;
    }
    defined $why ? answer("failed", $why) : answer("linked");
  }
  elsif ($what eq "take-stdin") { $from = *STDIN }
  else {
    while (!$from) {
      my $ready = ""; vec($ready, fileno(STDIN), 1) = vec($ready, fileno($listener), 1) = 1;
      select($ready, undef, undef, undef);
      exit 1 if vec($ready, fileno(STDIN), 1);
      accept(my $caller, $listener) or next;
      my $said; within(3, sub { $said = line($caller) });
      $from = $caller if defined $said && $said eq $token;
    }
  }
}
close $listener if $listener;
while (1) {
  my $data; alarm 60 if $from ne *STDIN;
  sysread($from, $data, 65536) or last;
  alarm 0;
  if ($next && defined within(10, sub { put($next, $data) })) { close $next; $next = undef }
  eval { put(*STDOUT, $data); 1 } or exit 1;
}`;

const PYTHON = String.raw`import os, select, socket, sys
def answer(*words): os.write(3, ("\t".join(["relay"] + [str(word) for word in words]) + "\n").encode())
def line(read):
    text = b""
    while not text.endswith(b"\n"):
        byte = read(1)
        if not byte: return None
        text += byte
    return text.decode().strip()
def addresses():
    found, before = [], ""
    try:
        for text in open("/proc/net/fib_trie"):
            if "/32 host LOCAL" in text: found.append(before)
            elif "|-- " in text: before = text.split()[1]
        for text in open("/proc/net/if_inet6"):
            words = text.split()
            if words[3] == "00": found.append(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(words[0])))
    except OSError: pass
    return " ".join(dict.fromkeys(found))
def listening(host, first, last):
    why = ""
    for port in range(int(first), int(last) + 1):
        for address in ["::", "0.0.0.0"] if host == "*" else [host]:
            try:
                new = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
                new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if address == "::": new.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                new.bind((address, port))
                new.listen(8)
                answer("listening", port, os.environ.get("SSH_CONNECTION", ""), addresses())
                return new
            except OSError as error: why = error.strerror or error
    answer("failed", why)
listener = following = source = token = None
while not source:
    order = line(lambda n: os.read(0, n))
    if order is None: sys.exit(1)
    what, *words = order.split(" ")
    if what == "listen":
        token = words[0]
        listener = listening(*words[1:])
    elif what == "next":
        why = ""
        for host in words[2:]:
            try:
                following = socket.create_connection((host, int(words[1])), 2)
                following.sendall(words[0].encode() + b"\n")
                following.settimeout(10)
                break
            except OSError as error:
                following = None
                why = error.strerror or error
        answer("linked") if following else answer("failed", why)
    elif what == "take-stdin": source = lambda: os.read(0, 65536)
    else:
        while not source:
            ready, _, _ = select.select([0, listener], [], [])
            if 0 in ready: sys.exit(1)
            caller, _ = listener.accept()
            caller.settimeout(3)
            try:
                if line(caller.recv) != token: continue
            except (OSError, ValueError): continue
            caller.settimeout(60)
            source = lambda: caller.recv(65536)
if listener: listener.close()
while True:
    data = source()
    if not data: break
    if following:
        try: following.sendall(data)
        except OSError:
            following.close()
            following = None
    view = memoryview(data)
    while view: view = view[os.write(1, view):]`;
