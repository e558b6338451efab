package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// maxKerberosFile bounds a ticket cache, a keytab and a krb5.conf, in bytes. Real ones have a few thousand.
const maxKerberosFile = krb5.MaxConfSize

// Where krb5.conf is read from, by default.
const (
	krb5ConfigVariable = "KRB5_CONFIG" // a list of paths
	krb5ConfigDefault  = "/etc/krb5.conf"
)

// ccacheVariable names the ticket cache in the environment.
const ccacheVariable = "KRB5CCNAME"

// A CredentialError says that a ticket cache, a keytab or krb5.conf cannot be used.
type CredentialError struct {
	// Source is the path, or the name as given when that is no file.
	Source string
	// Err is what is wrong with it; an error of package fs when it could not be read.
	Err error
	// Fix is a command line for a shell that makes it usable, empty if none is known.
	Fix string
	// Expired tells that there is a ticket of the user, which was good and has ended.
	Expired bool
	// Unsound tells that the file could be read, and is not one of its kind, or a damaged one. An empty ticket cache is none of these.
	Unsound bool
	// NotOne tells of a sound keytab that the user, named or not, is not exactly one of its principals.
	NotOne bool
	// NoRealm tells that the user is named without a realm, and that krb5.conf has none for such users.
	NoRealm bool
}

// Error says what is wrong with which source, and what to run.
func (e *CredentialError) Error() string {
	s := fmt.Sprintf("%s: %v", printable(e.Source), e.Err)
	if e.Fix != "" {
		s += "; run: " + e.Fix
	}
	return s
}

func (e *CredentialError) Unwrap() error { return e.Err }

// ccachePath returns the path of the ticket cache of that name. An empty name is $KRB5CCNAME, else what krb5.conf says, else the file
// that MIT krb5 uses. The error of another kind of cache holds the line that gives user, if not empty, tickets in a file.
func ccachePath(name string, conf *krb5.Conf, user string) (string, error) {
	if name == "" {
		name = os.Getenv(ccacheVariable)
	}
	if name == "" {
		var err error
		if name, err = expandCCacheName(conf.DefaultCCacheName); err != nil {
			return "", &CredentialError{Source: "default_ccache_name", Err: err}
		}
	}
	kind, path, ok := strings.Cut(name, ":")
	switch {
	case name == "" || name == "FILE:":
		return defaultCCache(), nil
	case !ok, len(kind) == 1, strings.ContainsAny(kind, `/\`): // C:\tickets, and ./a:b
		return name, nil
	case kind == "FILE":
		return path, nil
	}
	return "", &CredentialError{
		Source: name,
		Err:    errors.New("not a file, and only ticket caches of the kind FILE can be read"),
		Fix:    kinitLine(defaultCCache(), user),
	}
}

// defaultCCache returns the path that MIT krb5 uses when nothing else is said.
func defaultCCache() string {
	uid := os.Getuid()
	if uid < 0 { // Windows, where it is no file at all
		return filepath.Join(os.TempDir(), "krb5cc")
	}
	return "/tmp/krb5cc_" + strconv.Itoa(uid)
}

// expandCCacheName replaces the tokens of MIT krb5 ("krb5.conf", parameter expansion) in a value of default_ccache_name.
func expandCCacheName(name string) (string, error) {
	var b strings.Builder
	for rest := name; ; {
		text, after, ok := strings.Cut(rest, "%{")
		b.WriteString(text)
		if !ok {
			return b.String(), nil
		}
		token, after, ok := strings.Cut(after, "}")
		if !ok {
			return "", fmt.Errorf("a brace of %q is not closed", name)
		}
		switch token {
		case "uid", "USERID":
			b.WriteString(strconv.Itoa(os.Getuid()))
		case "euid":
			b.WriteString(strconv.Itoa(os.Geteuid()))
		case "username":
			u, err := user.Current()
			if err != nil {
				return "", err
			}
			b.WriteString(u.Username)
		case "TEMP":
			b.WriteString(strings.TrimRight(os.TempDir(), "/"))
		case "null":
		default:
			return "", fmt.Errorf("%%{%s} in %q is unknown", printable(token), name)
		}
		rest = after
	}
}

// kinitLine returns the line for a shell that gets tickets for user into the cache at path and lets it be found. An empty user leaves the
// choice to kinit. The line is empty when a name in it could do more than name: it may come from a file that somebody else wrote.
func kinitLine(path, user string) string {
	if strings.HasPrefix(user, "-") {
		return ""
	}
	cache, ok := shellWord("FILE:" + path)
	principal, okUser := shellWord(kinitName(user))
	if !ok || !okUser {
		return ""
	}
	line := "kinit -c " + cache
	if principal != "" {
		line += " " + principal
	}
	if now := os.Getenv(ccacheVariable); now != path && now != "FILE:"+path {
		line += "; export " + ccacheVariable + "=" + cache
	}
	return line
}

// kinitName returns the principal that kinit is told for user; empty for a name that is not one of Kerberos.
func kinitName(user string) string {
	if strings.Contains(user, `\`) {
		return ""
	}
	if name, realm := splitPrincipal(user); realm != "" {
		return name + "@" + realm
	}
	return user
}

// splitPrincipal splits user@REALM, the realm in upper case, and user.
func splitPrincipal(user string) (name, realm string) {
	at := strings.LastIndexByte(user, '@')
	if at < 0 {
		return user, ""
	}
	return user[:at], strings.ToUpper(user[at+1:])
}

// isUser tells whether p is what a user means by that name: user is of any realm, and the realm of user@realm is in any letter case.
func isUser(p krb5.Principal, user string) bool {
	name, realm := splitPrincipal(user)
	return name == p.Name() && (realm == "" || realm == strings.ToUpper(p.Realm))
}

// shellWord returns s as one word of a shell's line, and whether it can be one that shows all that it is.
func shellWord(s string) (string, bool) {
	switch {
	case printable(s) != s:
		return "", false
	case strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:@._-+,") == "":
		return s, true
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", true
}

// printable returns s, quoted if it holds anything that does not print as itself.
func printable(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// readCCache reads the ticket cache at path.
func readCCache(path string) (*krb5.CCache, error) {
	b, err := readBounded(path)
	if err != nil {
		e := &CredentialError{Source: path, Err: err}
		if errors.Is(err, fs.ErrNotExist) {
			e.Fix = kinitLine(path, "") // nothing is overwritten
		}
		return nil, e
	}
	c, err := krb5.DecodeCCache(b)
	if err != nil {
		e := &CredentialError{Source: path, Err: fmt.Errorf("not a sound ticket cache: %w", err)}
		if len(b) == 0 || bytes.HasPrefix(b, []byte{5, 3}) || bytes.HasPrefix(b, []byte{5, 4}) {
			e.Fix = kinitLine(path, "") // else it is a file of another kind, such as a keytab (5, 2), which kinit would overwrite
		}
		e.Unsound = e.Fix == ""
		return nil, e
	}
	return c, nil
}

// ticketsOfOther says that the cache at path is another's than user's. It has no Fix: kinit would overwrite the tickets of the other.
func ticketsOfOther(path string, other krb5.Principal, user string) *CredentialError {
	return &CredentialError{
		Source: path, Err: fmt.Errorf("it holds tickets of %s, not of %s", printable(other.String()), printable(user)),
	}
}

// unusableTicket says why c, the ticket-granting ticket in the cache at path, is of no use at now. A nil c is none.
func unusableTicket(path string, c *krb5.Credential, now time.Time) *CredentialError {
	e := &CredentialError{Source: path}
	switch {
	case c == nil:
		e.Err = errors.New("it holds no ticket-granting ticket")
		e.Fix = kinitLine(path, "")
		return e
	case c.ValidAt(now): // then it is its key
		e.Err = fmt.Errorf("the key of the ticket of %s is of encryption type %d, not one of AES (17 to 20)", printable(c.Client.String()), c.Key.EType)
	case now.Before(c.EndTime):
		e.Err = fmt.Errorf("the ticket of %s is not valid before %s", printable(c.Client.String()), moment(c.StartTime))
	default:
		e.Expired = true
		e.Err = fmt.Errorf("the ticket of %s expired at %s", printable(c.Client.String()), moment(c.EndTime))
	}
	e.Fix = kinitLine(path, c.Client.String())
	return e
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// readKeytab reads the keytab at path.
func readKeytab(path string) ([]krb5.ServiceKey, error) {
	b, err := readBounded(path)
	if err != nil {
		return nil, &CredentialError{Source: path, Err: err}
	}
	keys, err := krb5.DecodeKeytab(b)
	switch {
	case err != nil:
		return nil, &CredentialError{Source: path, Err: fmt.Errorf("not a sound keytab: %w", err), Unsound: true}
	case len(keys) == 0:
		return nil, &CredentialError{Source: path, Err: errors.New("it holds no key of AES (encryption types 17 to 20)")}
	}
	return keys, nil
}

// keytabClient returns the principal that user means and its keys, of those in the keytab at path, and overwrites the others' keys. An empty
// user is the only one there.
func keytabClient(path string, keys []krb5.ServiceKey, user string) (krb5.Principal, []krb5.ServiceKey, error) {
	var all, found []krb5.Principal
	for _, k := range keys {
		if slices.ContainsFunc(all, k.Principal.Equal) {
			continue
		}
		all = append(all, k.Principal)
		if user == "" || isUser(k.Principal, user) {
			found = append(found, k.Principal)
		}
	}
	if len(found) == 1 {
		var own []krb5.ServiceKey
		for _, k := range keys {
			if k.Principal.Equal(found[0]) {
				own = append(own, k)
			} else {
				clear(k.Key.Value)
			}
		}
		return found[0], own, nil
	}
	e := &CredentialError{Source: path, NotOne: true}
	switch {
	case user == "":
		e.Err = fmt.Errorf("it holds keys of several principals, and none is named: %s", principals(all))
	case len(found) > 1:
		e.Err = fmt.Errorf("%s is several principals there: %s", printable(user), principals(found))
	default:
		e.Err = fmt.Errorf("it holds no key of %s, but of %s", printable(user), principals(all))
	}
	return krb5.Principal{}, nil, e
}

// principals lists the first few of list.
func principals(list []krb5.Principal) string {
	const most = 5
	var names []string
	for _, p := range list[:min(len(list), most)] {
		names = append(names, printable(p.String()))
	}
	s := strings.Join(names, ", ")
	if more := len(list) - most; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// krb5ConfName says where readKrb5Conf reads path from.
func krb5ConfName(path string) string {
	if path == "" {
		path = os.Getenv(krb5ConfigVariable)
	}
	if path == "" {
		path = krb5ConfigDefault
	}
	return path
}

// readKrb5Conf reads the krb5.conf at path, with all that it includes. An empty path is each file of the list $KRB5_CONFIG, else
// /etc/krb5.conf; of those, one that is not there says nothing.
func readKrb5Conf(path string) (*krb5.Conf, error) {
	paths := []string{path}
	if path == "" {
		paths = filepath.SplitList(krb5ConfName(""))
	}
	all := new(krb5.Conf)
	for _, p := range paths {
		text, err := readBounded(p)
		if path == "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var conf *krb5.Conf
		if err == nil {
			conf, err = krb5.ParseConf(text, &krb5.ConfIncluder{Dir: includedDir, File: includedFile})
		}
		if err != nil {
			return nil, &CredentialError{Source: p, Err: err}
		}
		all.Join(conf)
	}
	return all, nil
}

// errRelative says that what is included must be named from the root, as MIT krb5 wants it.
var errRelative = errors.New("the path is not absolute")

// includedDir returns the paths of those files of a folder that MIT krb5 would read, in the order of their names.
func includedDir(path string) ([]string, error) {
	if !filepath.IsAbs(path) {
		return nil, errRelative
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	var paths []string
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && isConfName(name) {
			paths = append(paths, filepath.Join(path, name))
		}
	}
	if len(paths) > krb5.MaxIncludes {
		return nil, fmt.Errorf("it holds more than %d files", krb5.MaxIncludes)
	}
	return paths, nil
}

// includedFile reads the first most bytes of the file at path.
func includedFile(path string, most int) ([]byte, error) {
	if !filepath.IsAbs(path) {
		return nil, errRelative
	}
	return readFirst(path, most)
}

// isConfName tells which files of an included folder count: *.conf that is not hidden, and names of letters, digits, - and _ alone.
func isConfName(name string) bool {
	if strings.HasSuffix(name, ".conf") && name[0] != '.' {
		return true
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// readBounded reads a file of at most maxKerberosFile bytes.
func readBounded(path string) ([]byte, error) {
	b, err := readFirst(path, maxKerberosFile+1)
	if err == nil && len(b) > maxKerberosFile {
		return nil, fmt.Errorf("longer than %d bytes", maxKerberosFile)
	}
	return b, err
}

// readFirst reads the first most bytes of a file, into one buffer: it may hold keys.
func readFirst(path string, most int) ([]byte, error) {
	// The names of ticket caches can be guessed: a pipe that somebody else has put there must not hold us.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the operator names the files
	if err != nil {
		return nil, withoutPath(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, withoutPath(err)
	}
	if info.Mode()&fs.ModeNamedPipe != 0 {
		return nil, errors.New("a pipe, not a file")
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), int64(most))) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(f, int64(most))); err != nil {
		return nil, withoutPath(err)
	}
	return b.Bytes(), nil
}

// withoutPath returns what went wrong with a file whose path is told elsewhere.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
