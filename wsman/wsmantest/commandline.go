package wsmantest

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

// maxCommandLine is how long a line cmd takes, in characters (facts/event-log.md §3).
const maxCommandLine = 8191

// Exit codes of cmd itself.
const (
	exitSyntax         = 1
	exitUnknownCommand = 9009
)

// run starts a command line; the caller holds the mutex.
func (s *Server) run(line string, now time.Time) *process {
	for i := range s.host.model.Shell.Commands {
		if k := &s.host.model.Shell.Commands[i]; strings.TrimSpace(k.Line) == line {
			return k.start()
		}
	}
	words, err := splitCommandLine(line)
	if err != nil {
		return failedCommand(exitSyntax, err.Error())
	}
	if program := words[0]; !strings.EqualFold(program, "wevtutil") && !strings.EqualFold(program, "wevtutil.exe") {
		return failedCommand(exitUnknownCommand, "'"+program+"' is no command that this host knows.")
	}
	return s.wevtutil(words[1:], now)
}

// failedCommand returns a process that ended with a message of cmd.
func failedCommand(exitCode uint32, message string) *process {
	p := newProcess()
	p.exitCode = exitCode
	p.stderr.buf.WriteString(message + "\r\n")
	return p
}

// splitCommandLine returns the words of a line, at least one: as cmd passes it on, and a program of Windows takes it apart. What cmd
// would make of operators and variables is not simulated: it is an error.
func splitCommandLine(line string) ([]string, error) {
	if utf8.RuneCountInString(line) > maxCommandLine {
		return nil, errors.New("the line is too long")
	}
	if err := checkCommandLine(line); err != nil {
		return nil, err
	}
	var words []string
	for rest := strings.TrimLeft(line, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		var word string
		word, rest = splitWord(rest)
		words = append(words, word)
	}
	if len(words) == 0 {
		return nil, errors.New("the line is empty")
	}
	return words, nil
}

// checkCommandLine refuses what cmd would not pass on as it stands. To cmd a quote begins and ends a string, whatever is before it.
func checkCommandLine(line string) error {
	quoted := false
	for _, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '%':
			return errors.New("a percent sign, which is not simulated")
		case r < ' ' && r != '\t', r == 0x7f:
			return errors.New("a control character")
		case !quoted && strings.ContainsRune("&|<>^()", r):
			return errors.New("an operator outside quotes, which is not simulated")
		}
	}
	if quoted {
		return errors.New("a quote that does not end")
	}
	return nil
}

// splitWord returns the first word of a line that begins with one, without its quotes, and what follows. Backslashes are only special
// before a quote: two stand for one, and an odd one makes the quote part of the word (CommandLineToArgvW).
func splitWord(line string) (word, rest string) {
	var b strings.Builder
	quoted, backslashes := false, 0
	for i := range len(line) {
		switch c := line[i]; c {
		case '\\':
			backslashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, backslashes/2))
			if backslashes%2 == 1 {
				b.WriteByte('"')
			} else {
				quoted = !quoted
			}
			backslashes = 0
		default:
			b.WriteString(strings.Repeat(`\`, backslashes))
			backslashes = 0
			if !quoted && (c == ' ' || c == '\t') {
				return b.String(), line[i:]
			}
			b.WriteByte(c)
		}
	}
	b.WriteString(strings.Repeat(`\`, backslashes))
	return b.String(), ""
}
