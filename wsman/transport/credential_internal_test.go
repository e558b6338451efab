package transport

// The functions here are not exported: package transport_test sees them only through Choose and NewKerberos.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

func TestCCachePath(t *testing.T) {
	uid := strconv.Itoa(os.Getuid())
	standard := "/tmp/krb5cc_" + uid
	fix := "kinit -c FILE:" + standard + " me@CORP.EXAMPLE; export KRB5CCNAME=FILE:" + standard
	t.Setenv("TMPDIR", "/var/tmp/")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, env, conf string
		want            string
		source          string // of the error
		err             string
	}{
		{name: "", want: standard},
		{name: "FILE:", want: standard},
		{name: "/tmp/a:b", env: "KCM:", want: "/tmp/a:b"},
		{name: "tickets", want: "tickets"},
		{name: `C:\tickets`, want: `C:\tickets`},
		{name: "FILE:a:b", want: "a:b"},
		{env: "FILE:/env", conf: "FILE:/conf", want: "/env"},
		{env: "/env%{uid}", want: "/env%{uid}"},
		{conf: "FILE:/conf", want: "/conf"},
		{conf: "FILE:%{TEMP}/cc_%{uid}_%{euid}%{null}_%{USERID}.%{username}", want: "/var/tmp/cc_" + uid + "_" + strconv.Itoa(os.Geteuid()) + "_" + uid + "." + me.Username},
		{conf: "KEYRING:persistent:%{uid}", source: "KEYRING:persistent:" + uid, err: "not a file"},
		{conf: "%{\x1b}", source: "default_ccache_name", err: `%{"\x1b"} in "%{\x1b}" is unknown`},
		{name: "KCM:1000", source: "KCM:1000", err: "not a file"},
		{env: "DIR:/run/user/0", source: "DIR:/run/user/0", err: "not a file"},
		{env: "API:", source: "API:", err: "not a file"},
		{env: "MEMORY:\n", source: "MEMORY:\n", err: "not a file"},
	} {
		t.Run(fmt.Sprintf("%s,%s,%s", tt.name, tt.env, tt.conf), func(t *testing.T) {
			t.Setenv("KRB5CCNAME", tt.env)
			got, err := ccachePath(tt.name, &krb5.Conf{DefaultCCacheName: tt.conf}, "me@corp.example")
			if tt.source == "" {
				if got != tt.want || err != nil {
					t.Errorf("ccachePath = %q, %v; want %q", got, err, tt.want)
				}
				return
			}
			e, ok := errors.AsType[*CredentialError](err)
			if !ok || e.Source != tt.source || !strings.Contains(e.Err.Error(), tt.err) {
				t.Fatalf("ccachePath = %q, %v; want error %q of %q", got, err, tt.err, tt.source)
			}
			if tt.err == "not a file" && e.Fix != fix {
				t.Errorf("fix %q\nwant %q", e.Fix, fix)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q has more than one line", err)
			}
		})
	}
}

func TestCredentialError(t *testing.T) {
	e := &CredentialError{
		Source: "KCM:1000", Err: errors.New("not a file, and only ticket caches of the kind FILE can be read"), Fix: kinitLine("/tmp/krb5cc_1000", "me@CORP.EXAMPLE"),
	}
	const want = "KCM:1000: not a file, and only ticket caches of the kind FILE can be read; " +
		"run: kinit -c FILE:/tmp/krb5cc_1000 me@CORP.EXAMPLE; export KRB5CCNAME=FILE:/tmp/krb5cc_1000"
	if e.Error() != want {
		t.Errorf("Error() = %s\nwant      %s", e, want)
	}
}

// TestKinitLine: the line is for a shell, and its words may come from a file that somebody else wrote.
func TestKinitLine(t *testing.T) {
	for _, tt := range []struct {
		path, user, env string
		want            string
	}{
		{"/x", "me@corp.example", "", "kinit -c FILE:/x me@CORP.EXAMPLE; export KRB5CCNAME=FILE:/x"},
		{"/x", "me/admin", "FILE:/x", "kinit -c FILE:/x me/admin"},
		{"/x", "", "/x", "kinit -c FILE:/x"},
		{"/x", `CORP\me`, "/x", "kinit -c FILE:/x"},
		{"/x", "HV$@CORP", "/x", "kinit -c FILE:/x 'HV$@CORP'"},
		{"/a b", "it's", "", `kinit -c 'FILE:/a b' 'it'\''s'; export KRB5CCNAME='FILE:/a b'`},
		{"/x", "$(reboot)`;|&", "/x", "kinit -c FILE:/x '$(reboot)`;|&'"},
		{"/x", "-X@CORP", "", ""},
		{"/x", "me\nreboot", "", ""},
		{"/x", "me\u202e", "", ""},
		{"/x\x1b[2J", "me", "", ""},
		{"/\xff", "me", "", ""},
	} {
		t.Setenv("KRB5CCNAME", tt.env)
		if got := kinitLine(tt.path, tt.user); got != tt.want {
			t.Errorf("kinitLine(%q, %q) = %s\nwant %s", tt.path, tt.user, got, tt.want)
		}
	}
}

func TestUnusableTicket(t *testing.T) {
	t.Setenv("KRB5CCNAME", "/x")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	mine := krb5.Principal{Components: []string{"me"}, Realm: "CORP"}
	strange := krb5.Principal{Components: []string{"m\ne"}, Realm: "CORP"}
	for _, tt := range []struct {
		ticket *krb5.Credential
		want   string
	}{
		{nil, "/x: it holds no ticket-granting ticket; run: kinit -c FILE:/x"},
		{&krb5.Credential{Client: mine, EndTime: now}, "/x: the ticket of me@CORP expired at 2026-01-02 03:04:05 UTC; run: kinit -c FILE:/x me@CORP"},
		{
			&krb5.Credential{Client: mine, StartTime: now.Add(time.Hour), EndTime: now.Add(2 * time.Hour)},
			"/x: the ticket of me@CORP is not valid before 2026-01-02 04:04:05 UTC; run: kinit -c FILE:/x me@CORP",
		},
		{
			&krb5.Credential{Client: mine, Key: krb5.Key{EType: 23}, EndTime: now.Add(time.Hour)},
			"/x: the key of the ticket of me@CORP is of encryption type 23, not one of AES (17 to 20); run: kinit -c FILE:/x me@CORP",
		},
		{&krb5.Credential{Client: strange, EndTime: now}, `/x: the ticket of "m\ne@CORP" expired at 2026-01-02 03:04:05 UTC`},
	} {
		if got := unusableTicket("/x", tt.ticket, now).Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// write makes a file in a new folder.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadFiles: each reader says what is wrong with which file, and reads no more than it must.
func TestReadFiles(t *testing.T) {
	readers := map[string]func(string) error{
		"ccache": func(p string) error { _, err := readCCache(p); return err },
		"keytab": func(p string) error { _, err := readKeytab(p); return err },
		"conf":   func(p string) error { _, err := readKrb5Conf(p); return err },
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close(); _ = w.Close() }()
	pipe := fmt.Sprintf("/dev/fd/%d", r.Fd())
	long := write(t, strings.Repeat("#\n", 1<<19)+"#")
	for _, tt := range []struct {
		kind, path, want string
	}{
		{"ccache", "/dev/zero", "longer than 1048576 bytes"},
		{"keytab", "/dev/zero", "longer than 1048576 bytes"},
		{"conf", "/dev/zero", "longer than 1048576 bytes"},
		{"ccache", long, "longer than 1048576 bytes"},
		{"keytab", long, "longer than 1048576 bytes"},
		{"conf", long, "longer than 1048576 bytes"},
		{"ccache", "/dev/null", "not a sound ticket cache: octet 0: truncated"},
		{"ccache", pipe, "a pipe, not a file"},
		{"ccache", t.TempDir(), "is a directory"},
		{"keytab", t.TempDir(), "is a directory"},
		{"conf", t.TempDir(), "is a directory"},
		{"ccache", write(t, ""), "not a sound ticket cache: octet 0: truncated"},
		{"keytab", write(t, "\x05\x02\x00"), "not a sound keytab: octet 2: truncated"},
		{"keytab", write(t, "\x05\x02"), "it holds no key of AES (encryption types 17 to 20)"},
		{"conf", write(t, "[a]\nx"), `line 2: "x" is neither`},
	} {
		err := readers[tt.kind](tt.path)
		e, ok := errors.AsType[*CredentialError](err)
		if !ok || e.Source != tt.path || !strings.Contains(e.Err.Error(), tt.want) {
			t.Errorf("%s %s: error %v, want %q", tt.kind, tt.path, err, tt.want)
		}
	}
	for kind, read := range readers {
		if err := read("/nonexistent/file"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: error %v, want fs.ErrNotExist", kind, err)
		}
	}
}

func TestKeytabClient(t *testing.T) {
	key := func(name, realm string) krb5.ServiceKey {
		return krb5.ServiceKey{
			Principal: krb5.Principal{Components: strings.Split(name, "/"), Realm: realm}, Key: krb5.Key{EType: 17, Value: []byte("0123456789abcdef")},
		}
	}
	one := []krb5.ServiceKey{key("bot", "CORP"), key("bot", "CORP")}
	two := append([]krb5.ServiceKey{key("bot", "LAB")}, one...)
	var many []krb5.ServiceKey
	for _, name := range []string{"HTTP/a", "HTTP/b", "h\ni", "HTTP/d", "HTTP/e", "HTTP/f", "HTTP/g"} {
		many = append(many, key(name, "CORP"))
	}
	const five = `HTTP/a@CORP, HTTP/b@CORP, "h\ni@CORP", HTTP/d@CORP, HTTP/e@CORP and 2 more`
	for _, tt := range []struct {
		keys []krb5.ServiceKey
		user string
		want string // of the principal, or the error
		n    int
	}{
		{one, "", "bot@CORP", 2},
		{one, "bot", "bot@CORP", 2},
		{two, "bot@corp", "bot@CORP", 2},
		{two, "bot@LAB", "bot@LAB", 1},
		{many, "HTTP/g", "HTTP/g@CORP", 1},
		{two, "bot", "/k: bot is several principals there: bot@LAB, bot@CORP", 0},
		{two, "", "/k: it holds keys of several principals, and none is named: bot@LAB, bot@CORP", 0},
		{many, "me@x", "/k: it holds no key of me@x, but of " + five, 0},
		{many, "", "/k: it holds keys of several principals, and none is named: " + five, 0},
	} {
		p, keys, err := keytabClient("/k", tt.keys, tt.user)
		got := p.String()
		if err != nil {
			got = err.Error()
		}
		if got != tt.want || len(keys) != tt.n {
			t.Errorf("keytabClient(%q) = %d keys of %s\nwant %d of %s", tt.user, len(keys), got, tt.n, tt.want)
		}
	}
	if k := string(many[0].Key.Value); k == "0123456789abcdef" {
		t.Error("the key of another principal was not overwritten")
	}
}

// TestReadKrb5Conf: lists of files and folders of files are read as MIT krb5 does.
func TestReadKrb5Conf(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"krb5.conf":              "includedir " + dir + "/krb5.conf.d\n[realms]\nCORP = {\nkdc = last\n}\n",
		"krb5.conf.d/b.conf":     "[realms]\nCORP = {\nkdc = b.conf\n}\n",
		"krb5.conf.d/a_1-Z":      "[realms]\nCORP = {\nkdc = a_1-Z\n}\n",
		"krb5.conf.d/.x.conf":    "[a]\nwrong",
		"krb5.conf.d/a.conf~":    "[a]\nwrong",
		"krb5.conf.d/a.rpmsave":  "[a]\nwrong",
		"krb5.conf.d/dir.conf/x": "[a]\nwrong",
		"second":                 "[libdefaults]\ndefault_realm = SECOND\n[realms]\nCORP = {\nkdc = second\n}\n",
		"relative":               "include second\n",
		"gone":                   "include " + dir + "/nowhere\n",
		"nodir":                  "includedir " + dir + "/nowhere\n",
		"broken":                 "includedir " + dir + "/broken.d\n",
		"broken.d/x.conf":        "[a]\nx\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dir+"/nowhere", dir+"/broken.d/a.conf"); err != nil {
		t.Fatal(err)
	}
	crowd := t.TempDir()
	for i := range 65 {
		if err := os.WriteFile(filepath.Join(crowd, strconv.Itoa(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		path, env string
		want      krb5.Conf
		err       string
	}{
		{path: "krb5.conf", want: krb5.Conf{KDCs: map[string][]string{"CORP": {"a_1-Z", "b.conf", "last"}}}},
		{env: "none:krb5.conf:second", want: krb5.Conf{DefaultRealm: "SECOND", KDCs: map[string][]string{"CORP": {"a_1-Z", "b.conf", "last", "second"}}}},
		{env: "none"},
		{path: "none", env: "second", err: "no such file"},
		{path: "relative", err: `line 1: include of "second": the path is not absolute`},
		// A file that is included must be there, whether the list may do without the first or not.
		{env: "gone", err: `line 1: include of "` + dir + `/nowhere": `},
		{env: "nodir", err: `line 1: include of "` + dir + `/nowhere": no such file`},
		{path: "broken", err: `broken.d/a.conf": no such file`},
		{path: "crowd", err: "it holds more than 64 files"},
	} {
		t.Run(tt.path+","+tt.env, func(t *testing.T) {
			var list []string
			for name := range strings.SplitSeq(tt.env, ":") {
				list = append(list, filepath.Join(dir, name))
			}
			t.Setenv("KRB5_CONFIG", strings.Join(list, ":"))
			path := tt.path
			if path == "crowd" {
				path = write(t, "includedir "+crowd+"\n")
			} else if path != "" {
				path = filepath.Join(dir, path)
			}
			got, err := readKrb5Conf(path)
			if tt.err != "" {
				if _, ok := errors.AsType[*CredentialError](err); !ok || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("readKrb5Conf = %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got.DomainRealm) == 0 {
				got.DomainRealm = nil
			}
			if d := cmp.Diff(&tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	t.Setenv("KRB5_CONFIG", "")
	if got := krb5ConfName(""); got != "/etc/krb5.conf" {
		t.Errorf("krb5ConfName = %q", got)
	}
}

// TestNothingOverwritten: kinit is advised only over what was a ticket cache, broken or empty; never over a keytab.
func TestNothingOverwritten(t *testing.T) {
	for begin, fix := range map[string]bool{"": true, "\x05\x04\x00": true, "\x05\x03\x00": true, "\x05\x02\x00": false, "\x05": false, "-----BEGIN": false} {
		path := write(t, begin)
		_, err := readCCache(path)
		if e, ok := errors.AsType[*CredentialError](err); !ok || (e.Fix != "") != fix {
			t.Errorf("a file that begins with %q: %v, want advice %v", begin, err, fix)
		}
	}
}

// TestKrb5ConfMemory: a folder that includes itself ends before its other files are read again and again.
func TestKrb5ConfMemory(t *testing.T) {
	dir := t.TempDir()
	comment := []byte("#" + strings.Repeat("x", 16<<10))
	for i := range 60 { // 960 KiB, read once
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("b%d.conf", i)), comment, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "a.conf")
	if err := os.WriteFile(path, []byte("includedir "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readKrb5Conf(path)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "more than 64 files are included") {
		t.Errorf("readKrb5Conf = %v, want that there are too many files", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
		t.Errorf("readKrb5Conf took %d MiB, want less than 8", got>>20)
	}
	if b, err := includedFile(filepath.Join(dir, "b0.conf"), 10); err != nil || string(b) != "#xxxxxxxxx" {
		t.Errorf("includedFile = %q, %v, want the first 10 bytes", b, err)
	}
}

// TestCredentialErrorKinds: what a caller tells apart without reading the text.
func TestCredentialErrorKinds(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(conf, []byte("[libdefaults]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, kerberosErr := NewKerberos(KerberosConfig{User: "me", Password: NewSecret("x"), ConfPath: conf})
	_, choiceErr := Choose(&AuthFacts{User: "me", KDCs: []string{"dc"}, PasswordGiven: true, ConfPath: conf})
	_, _, keytabErr := keytabClient("k", []krb5.ServiceKey{{Principal: krb5.Principal{Components: []string{"you"}, Realm: "A"}}}, "me")
	_, fileErr := readKeytab(t.TempDir() + "/nosuch")
	for name, tt := range map[string]struct {
		err             error
		noRealm, notOne bool
	}{
		"NewKerberos": {kerberosErr, true, false},
		"Choose":      {choiceErr, true, false},
		"another's":   {keytabErr, false, true},
		"no file":     {fileErr, false, false},
	} {
		e, ok := errors.AsType[*CredentialError](tt.err)
		if !ok || e.NoRealm != tt.noRealm || e.NotOne != tt.notOne {
			t.Errorf("%s: %+v, want NoRealm %t and NotOne %t", name, tt.err, tt.noRealm, tt.notOne)
		}
	}
}
