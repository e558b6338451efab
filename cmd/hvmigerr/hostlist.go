package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of lists of hosts.
const (
	maxHosts       = 100_000
	maxHostList    = 16 << 20 // bytes
	maxHostLine    = 4 << 10  // bytes
	maxMistakes    = 5        // that are told at once
	maxKeyRepeated = 16       // characters of an unknown key that are repeated; what is longer may be a password
)

// A listed is a host as the operator named it.
type listed struct {
	arg      string // HOST
	name     string // what an inventory calls it; "" elsewhere
	where    string // FILE:LINE; "" on the command line
	override override
	err      error // what is wrong with the line; nothing else counts then
}

// An override is what a list says of one host in place of the flags; what is empty is not overridden.
type override struct {
	port            uint16
	https           string // true or false
	user, auth, spn string
	ansible         bool // the keys are those of an inventory
}

// word returns the key for a flag, as it stands in the list.
func (o *override) word(flag string) string {
	if o.ansible {
		return "ansible_" + flag
	}
	return flag + "="
}

// overrideKeys is what may follow HOST, in words.
const overrideKeys = "port=, https=, user=, auth= and spn="

// mistakes are what is wrong with lists of hosts.
type mistakes struct {
	list []string
	more int
}

// add adds what is wrong with l.
func (m *mistakes) add(l *listed, err error) {
	if len(m.list) == maxMistakes {
		m.more++
		return
	}
	text := err.Error()
	if l.where != "" {
		text = l.where + ": " + text
	}
	m.list = append(m.list, text)
}

// err returns all as one usage error, nil if there are none.
func (m *mistakes) err() error {
	if len(m.list) == 0 {
		return nil
	}
	text := strings.Join(m.list, "; ")
	if m.more > 0 {
		text += fmt.Sprintf("; and %d more", m.more)
	}
	return &usageError{text}
}

// listHosts returns the hosts that the command line names, in that order: HOST, @FILE, - and --inventory. They are many unless they are
// one HOST.
func (a *app) listHosts(ctx context.Context, f *connectionFlags, args []string) (list []listed, many bool, err error) {
	if err := f.checkStdin(args); err != nil {
		return nil, false, err
	}
	for _, arg := range args {
		var more []listed
		switch name, isFile := strings.CutPrefix(arg, "@"); {
		case arg == "-":
			more, err = a.readHostList(ctx, "stdin", a.stdin)
		case isFile:
			more, err = a.openHostList(ctx, name)
		default:
			list = append(list, listed{arg: arg})
			continue
		}
		many = true
		if err != nil {
			return nil, false, err
		}
		list = append(list, more...)
	}
	if f.inventory != "" {
		many = true
		more, err := a.readInventory(ctx, f)
		if err != nil {
			return nil, false, err
		}
		list = append(list, more...)
	}
	switch {
	case len(list) > maxHosts:
		return nil, false, &usageError{fmt.Sprintf("more than %s hosts", grouped(maxHosts))}
	case len(list) == 0 && many:
		return nil, false, &usageError{"no host is named in " + f.lists(args)}
	case len(list) == 0:
		return nil, false, &usageError{"HOST is missing"}
	}
	return list, many || len(args) > 1, nil
}

// lists names where the hosts of the command line stand.
func (f *connectionFlags) lists(args []string) string {
	var names []string
	for _, arg := range args {
		if arg == "-" {
			arg = "stdin"
		}
		names = append(names, strings.TrimPrefix(arg, "@"))
	}
	if f.inventory != "" {
		name := f.inventory
		if f.group != "" {
			name = "group " + strconv.Quote(f.group) + " of " + name
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// checkStdin refuses to read stdin twice.
func (f *connectionFlags) checkStdin(args []string) error {
	var readers []string
	for _, arg := range args {
		if arg == "-" {
			readers = append(readers, "-")
		}
	}
	if f.inventory == "-" {
		readers = append(readers, f.origin("inventory")+" -")
	}
	if f.passwordFile == "-" {
		readers = append(readers, f.origin("password-file")+" -")
	}
	if len(readers) > 1 {
		return &usageError{"stdin can be read once, not by " + strings.Join(readers, " and ")}
	}
	return nil
}

// openHostList reads the file of that name.
func (a *app) openHostList(ctx context.Context, name string) ([]listed, error) {
	if name == "" {
		return nil, &usageError{"@ names no file"}
	}
	file, err := openListed(ctx, "HOST @"+name, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was read
	return a.readHostList(ctx, name, file)
}

// openListed opens the file of a list, which what names in messages. Its errors are usage errors, or that of ctx.
func openListed(ctx context.Context, what, name string) (*os.File, error) {
	file, err := await(ctx, func() (*os.File, error) { return os.Open(name) }) //nolint:gosec // the user names the file
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &usageError{what + ": " + fileReason(err)}
	}
	return file, nil
}

// fileReason returns an error of a file without its name, which stands before it.
func fileReason(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// readHostList reads a list of hosts.
func (a *app) readHostList(ctx context.Context, name string, r io.Reader) ([]listed, error) {
	raw, err := readListed(ctx, r, maxHostList)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &usageError{name + ": " + fileReason(err)}
	}
	list, err := parseHostList(name, raw)
	if err != nil {
		return nil, &usageError{name + ": " + err.Error()}
	}
	return list, nil
}

// readListed reads all of r, within the limit, and without the mark of UTF-8.
func readListed(ctx context.Context, r io.Reader, limit int64) ([]byte, error) {
	raw, err := await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(r, limit+1)) })
	switch {
	case err != nil:
		return nil, err
	case int64(len(raw)) > limit:
		return nil, fmt.Errorf("more than %d MiB", limit>>20)
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), bytes.HasPrefix(raw, []byte("\xfe\xff")):
		return nil, errors.New("it is in UTF-16; write it in UTF-8")
	}
	return bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), nil
}

// parseHostList reads a list, one host a line: HOST [KEY=VALUE]... An error of a line is the line's; one of its own is about the whole.
func parseHostList(name string, raw []byte) ([]listed, error) {
	if bytes.IndexByte(raw, 0) >= 0 || !utf8.Valid(raw) {
		return nil, errors.New("it is no text in UTF-8")
	}
	var list []listed
	n := 0
	for line := range bytes.Lines(raw) {
		n++
		l := listed{where: name + ":" + strconv.Itoa(n)}
		if len(line) > maxHostLine {
			l.err = fmt.Errorf("the line is longer than %d KiB", maxHostLine>>10)
		} else {
			l.err = l.parse(strings.TrimRight(string(line), "\r\n"))
		}
		if l.arg == "" && l.err == nil {
			continue // blank, or a comment
		}
		if len(list) == maxHosts {
			return nil, fmt.Errorf("more than %s hosts", grouped(maxHosts))
		}
		list = append(list, l)
	}
	return list, nil
}

// parse reads one line. No error repeats a value whose key is not known: it may be a password.
func (l *listed) parse(line string) error {
	words, err := splitLine(line)
	if err != nil || len(words) == 0 {
		return err
	}
	l.arg = words[0]
	if strings.HasPrefix(l.arg, "@") || l.arg == "-" {
		return errors.New("a list cannot name another list")
	}
	if key, _, ok := strings.Cut(l.arg, "="); ok && slices.Contains(strings.Fields("port https user auth spn"), key) {
		return errors.New("the line does not begin with HOST")
	}
	for _, word := range words[1:] {
		if err := l.override.set(word); err != nil {
			return err
		}
	}
	return nil
}

// set reads KEY=VALUE.
func (o *override) set(word string) error {
	key, value, ok := strings.Cut(word, "=")
	if !ok {
		return errors.New("what follows HOST is not KEY=VALUE; possible are " + overrideKeys)
	}
	var field *string
	switch key {
	case "port":
		return o.setPort(value)
	case "https":
		field = &o.https
	case "user":
		field = &o.user
	case "auth":
		field = &o.auth
	case "spn":
		field = &o.spn
	default:
		if key == "" || len(key) > maxKeyRepeated || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_-") != "" {
			return errors.New("a key is not known; possible are " + overrideKeys)
		}
		return fmt.Errorf("%s= is not possible; possible are %s", key, overrideKeys)
	}
	switch {
	case *field != "":
		return fmt.Errorf("%s= is there twice", key)
	case value == "":
		return noValue(key)
	case key == "https" && value != "true" && value != "false":
		return errors.New("https= is neither true nor false")
	case key == "auth" && !slices.Contains(methods(), value):
		return fmt.Errorf("auth= is none of %s", strings.Join(methods(), ", "))
	case strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("%s= holds a control character", key)
	}
	*field = value
	return nil
}

// noValue is about a key without a value, as it is with a blank between them.
func noValue(key string) error {
	return fmt.Errorf("%s= is empty; its value follows without a blank", key)
}

func (o *override) setPort(value string) error {
	switch {
	case o.port != 0:
		return errors.New("port= is there twice")
	case value == "":
		return noValue("port")
	}
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || n == 0 {
		return errors.New("port= is not 1 to 65535")
	}
	o.port = uint16(n)
	return nil
}

// splitLine splits a line at blanks. A value may stand in double quotes, which keep blanks and #; there is no way to write such a
// quote within them. A # at the beginning, or behind a blank, begins a comment.
func splitLine(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t\f\v")
		if line == "" || line[0] == '#' {
			return words, nil
		}
		end := strings.IndexAny(line, " \t\f\v")
		if end < 0 {
			end = len(line)
		}
		word := line[:end]
		if at := strings.Index(word, `="`); at >= 0 {
			value, rest, closed := strings.Cut(line[at+2:], `"`)
			if !closed {
				return nil, errors.New(`a " has no end`)
			}
			if rest != "" && !strings.ContainsAny(rest[:1], " \t\f\v") {
				return nil, errors.New(`a blank is missing behind a "`)
			}
			word, line = word[:at+1]+value, rest
		} else {
			line = line[end:]
		}
		words = append(words, word)
	}
}
