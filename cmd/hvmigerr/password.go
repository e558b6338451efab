package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

const (
	maxPassword            = 64 << 10 // bytes that a source may give
	passwordCommandTimeout = 30 * time.Second
	passwordVariable       = envPrefix + "PASSWORD"
)

// A passwordQuestion is what is to be known about a password before it is asked for.
type passwordQuestion struct {
	flags  *connectionFlags
	method *method // why there is no ticket
	prompt string
}

// password returns the user's password from the first source there is: --password-file or --password-command, HVMIGERR_PASSWORD,
// a prompt on the terminal. It is called once per run and before anything is sent.
func (a *app) password(ctx context.Context, q *passwordQuestion) (transport.Secret, error) {
	f := q.flags
	var raw []byte
	var source string
	var err error
	switch {
	case f.passwordFile == "-":
		source = f.origin("password-file") + " -"
		raw, err = await(ctx, func() ([]byte, error) { return readPassword(a.stdin) })
	case f.passwordFile != "":
		source = f.origin("password-file")
		raw, err = await(ctx, func() ([]byte, error) { return readPasswordFile(f.passwordFile) })
	case f.passwordCommand != "":
		source = f.origin("password-command")
		raw, err = runPasswordCommand(ctx, f.passwordCommand)
	case os.Getenv(passwordVariable) != "":
		return transport.NewSecret(os.Getenv(passwordVariable)), nil
	default:
		source = "the password prompt"
		raw, err = a.askPassword(ctx, q)
	}
	if err != nil {
		return transport.Secret{}, passwordError(ctx, source, err)
	}
	return cleanPassword(source, raw)
}

func passwordError(ctx context.Context, source string, err error) error {
	if ctx.Err() != nil || errors.Is(err, errInterrupted) || has[*usageError](err) || has[*noPasswordError](err) {
		return err
	}
	return &usageError{source + ": " + err.Error()}
}

// cleanPassword drops a byte order mark and one line end, and nothing else.
func cleanPassword(source string, raw []byte) (transport.Secret, error) {
	if bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		return transport.Secret{}, &usageError{source + ": the password is in UTF-16; write it in UTF-8"}
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if line, ok := bytes.CutSuffix(raw, []byte("\n")); ok {
		raw = bytes.TrimSuffix(line, []byte("\r"))
	}
	if len(raw) == 0 {
		return transport.Secret{}, &usageError{source + ": the password is empty"}
	}
	return transport.NewSecret(string(raw)), nil
}

// readPassword reads all of r, within the limit.
func readPassword(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxPassword+1))
	if err == nil && len(raw) > maxPassword {
		err = fmt.Errorf("more than %d KiB", maxPassword>>10)
	}
	return raw, err
}

// readPasswordFile reads a file that is for the user alone. A pipe, as of a shell's <(…), has no such permissions.
func readPasswordFile(name string) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if othersCanRead(info) {
		return nil, fmt.Errorf("%s can be read by others (mode %04o); chmod 600 it", name, info.Mode().Perm())
	}
	return readPassword(file)
}

// othersCanRead tells of a file that it is not for the user alone. Windows has no such bits: Go makes them up there.
func othersCanRead(info os.FileInfo) bool {
	const others = 0o077
	return runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&others != 0
}

// runPasswordCommand runs a command without a shell and returns what it printed, which is never shown, nor is its stderr.
func runPasswordCommand(ctx context.Context, command string) ([]byte, error) {
	words, err := splitWords(command)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, errors.New("the command is empty")
	}
	limited, cancel := context.WithTimeout(ctx, passwordCommandTimeout)
	defer cancel()
	cmd := exec.CommandContext(limited, words[0], words[1:]...) //nolint:gosec // running it is what the user asks for
	out := &limitedBuffer{limit: maxPassword}
	cmd.Stdout = out
	cmd.WaitDelay = time.Second // for grandchildren that keep stdout open
	err = cmd.Run()
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, fmt.Errorf("%s has not ended within %v", words[0], passwordCommandTimeout)
	case out.over:
		return nil, fmt.Errorf("%s printed more than %d KiB", words[0], maxPassword>>10)
	case exited:
		return nil, fmt.Errorf("%s ended with %v", words[0], exit.ProcessState)
	}
	return out.kept.Bytes(), err
}

// A limitedBuffer keeps up to limit bytes and fails the writer after them.
type limitedBuffer struct {
	kept  bytes.Buffer // not embedded: io.Copy would call its ReadFrom, which has no limit
	limit int
	over  bool
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.kept.Len()+len(p) > b.limit {
		b.over = true
		return 0, errors.New("too much output")
	}
	return b.kept.Write(p)
}

// splitWords splits a command into words as a shell does, without expanding anything: blanks separate, single quotes keep
// everything, a backslash keeps the next character, within double quotes only ", \, $ and `.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case quote != '\'' && r == '\\':
			if i+1 == len(runes) {
				return nil, errors.New("the command ends with a backslash")
			}
			if quote == 0 || strings.ContainsRune("\"\\$`", runes[i+1]) {
				i++
			}
			word.WriteRune(runes[i])
			inWord = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && strings.ContainsRune(" \t\r\n", r):
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the command has a %c without its end", quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// passwordSources are the ways to give a password.
const passwordSources = "--password-file, --password-command or " + passwordVariable + ", or run it on a terminal"

// passwordComesFrom continues what is said about a password on the command line.
const passwordComesFrom = "; a password comes from --password-file FILE, --password-command COMMAND or $" + passwordVariable

// insteadOfPassword continues err, of a command line that wants to hold the password itself, where every process list shows it.
func insteadOfPassword(fs *pflag.FlagSet, err error) string {
	e, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok || fs.Lookup("password-file") == nil || e.GetSpecifiedName() != "password" && e.GetSpecifiedName() != "p" {
		return ""
	}
	return passwordComesFrom
}

// askPassword asks on the terminal, and before that says why no ticket serves. Without a terminal there is nobody to ask.
func (a *app) askPassword(ctx context.Context, q *passwordQuestion) ([]byte, error) {
	file, ok := a.stdin.(*os.File)
	ok = ok && isTerminal(file)
	noTicket := q.method.noTicket()
	switch {
	case !ok && noTicket != nil:
		return nil, &noPasswordError{noTicket}
	case !ok:
		return nil, &usageError{"no password: give " + passwordSources}
	case noTicket != nil:
		a.note("no ticket can be used: %v", noTicket)
	}
	return a.prompt(ctx, file, q.prompt)
}

// prompt asks on a terminal, without echo.
func (a *app) prompt(ctx context.Context, file *os.File, text string) ([]byte, error) {
	fd := int(file.Fd())
	a.stderrf("%s", text)
	before, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	raw, err := await(ctx, func() ([]byte, error) { return readHidden(file) })
	err = errors.Join(err, term.Restore(fd, before))
	a.stderrf("\n")
	return raw, err
}

// readHidden reads a line from a raw terminal without echo; Ctrl-D gives an empty one. term.ReadPassword does not see Ctrl-D.
func readHidden(r io.Reader) ([]byte, error) {
	keys := &keyboard{Reader: r, Writer: io.Discard}
	text, err := term.NewTerminal(keys, "").ReadPassword("")
	switch {
	case keys.interrupted:
		return nil, errInterrupted
	case errors.Is(err, io.EOF):
		return nil, nil
	}
	return []byte(text), err
}

// A keyboard watches for Ctrl-C, which is no signal in raw mode.
type keyboard struct {
	io.Reader
	io.Writer
	interrupted bool
}

func (k *keyboard) Read(p []byte) (int, error) {
	const ctrlC = 3
	n, err := k.Reader.Read(p)
	k.interrupted = k.interrupted || bytes.IndexByte(p[:n], ctrlC) >= 0
	return n, err
}

// await returns what read returns, or the error of ctx if that ends first. A read of a terminal or a pipe cannot be
// cancelled: it is left behind.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}
