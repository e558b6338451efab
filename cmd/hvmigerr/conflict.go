package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// finish is called when the command line has been read: it takes what is missing from the environment and finds
// contradictions.
func (f *connectionFlags) finish(fs *pflag.FlagSet) error {
	f.typed = map[string]bool{}
	empty := ""
	fs.Visit(func(fl *pflag.Flag) {
		f.typed[fl.Name] = true
		ours := fl.Annotations[annotationGroup] != nil || slices.Contains(hostsFlags(), fl.Name)
		if ours && isEmpty(fl) {
			empty = fl.Name
		}
	})
	if empty != "" {
		return &usageError{"--" + empty + " is empty"}
	}
	preset, err := applyEnvironment(fs)
	if err != nil {
		return err
	}
	f.preset = preset
	if err := f.check(); err != nil {
		return err
	}
	if err := f.chooseSide(fs); err != nil {
		return err
	}
	if err := f.suitUser(fs); err != nil {
		return err
	}
	if err := f.suitMethod(fs); err != nil {
		return err
	}
	for _, pair := range exclusive() {
		if err := f.exclude(fs, pair[0], pair[1]); err != nil {
			return err
		}
	}
	return f.checkCertificate()
}

// isEmpty tells a flag that was given, but with nothing: a variable of a script that was not set.
func isEmpty(fl *pflag.Flag) bool {
	if list, ok := fl.Value.(pflag.SliceValue); ok {
		return len(list.GetSlice()) == 0 || slices.Contains(list.GetSlice(), "")
	}
	return fl.Value.Type() == "string" && fl.Value.String() == ""
}

// exclusive lists the flags of which only one can be given. A password is one source of an identity, tickets and keys are others.
func exclusive() [][2]string {
	return [][2]string{
		{"http", "https"},
		{"password-file", "password-command"},
		{"ccache", "keytab"},
		{"ccache", "password-file"},
		{"ccache", "password-command"},
		{"keytab", "password-file"},
		{"keytab", "password-command"},
		{"ca-file", "tls-pin"},
		{"insecure", "tls-pin"},
		{"insecure", "ca-file"},
	}
}

// exclude refuses two flags that contradict each other. A typed one beats one from the environment, which is then reset.
func (f *connectionFlags) exclude(fs *pflag.FlagSet, a, b string) error {
	if !f.given(a) || !f.given(b) {
		return nil
	}
	if f.typed[a] == f.typed[b] {
		return &usageError{fmt.Sprintf("%s and %s exclude each other", f.origin(a), f.origin(b))}
	}
	if f.typed[a] {
		return f.reset(fs, b)
	}
	return f.reset(fs, a)
}

// given tells whether a flag was typed or comes from the environment.
func (f *connectionFlags) given(name string) bool { return f.typed[name] || f.preset[name] }

// The flags that say by what a user proves who it is, other than a certificate.
func userFlags() []string {
	return []string{"user", "password-file", "password-command", "ccache", "keytab", "kdc", "spn"}
}

// chooseSide lets what was typed about a user or about a client certificate beat what the environment says about the other.
func (f *connectionFlags) chooseSide(fs *pflag.FlagSet) error {
	certificate := []string{"client-cert", "client-key"}
	byCertificate := f.typed["client-cert"] || f.typed["auth"] && f.auth == string(transport.AuthCertificate)
	byUser := f.typed["auth"] && f.auth != string(transport.AuthCertificate) && f.auth != authAuto ||
		slices.ContainsFunc(userFlags(), func(name string) bool { return f.typed[name] })
	var weak []string
	switch {
	case byUser && !byCertificate:
		weak = certificate
		if f.preset["auth"] && f.auth == string(transport.AuthCertificate) {
			weak = append(weak, "auth")
		}
	case byCertificate && !byUser:
		weak = userFlags()
		if f.preset["auth"] && f.auth != string(transport.AuthCertificate) {
			weak = append(weak, "auth")
		}
	}
	if !f.given("client-cert") {
		weak = append(weak, "client-key") // a key alone means nothing
	}
	for _, name := range weak {
		if err := f.reset(fs, name); err != nil {
			return err
		}
	}
	return nil
}

// suitUser lets a typed name of Windows, DOMAIN\user or .\user, beat what the environment says about Kerberos.
func (f *connectionFlags) suitUser(fs *pflag.FlagSet) error {
	if !f.typed["user"] || !strings.Contains(f.user, `\`) {
		return nil
	}
	for _, name := range kerberosFlags() {
		if err := f.reset(fs, name); err != nil {
			return err
		}
	}
	return nil
}

// kerberosFlags lists the flags that mean something to Kerberos alone.
func kerberosFlags() []string { return []string{"ccache", "keytab", "kdc"} }

// unsuited lists the flags that mean nothing to a method.
func unsuited(method string) []string {
	switch transport.Auth(method) {
	case transport.AuthBasic:
		return append(kerberosFlags(), "client-cert", "client-key", "spn", "seal")
	case transport.AuthNTLM:
		return append(kerberosFlags(), "client-cert", "client-key")
	case transport.AuthKerberos, transport.AuthNegotiate:
		return []string{"client-cert", "client-key"}
	case transport.AuthCertificate:
		return append(userFlags(), "seal")
	case transport.AuthNone:
	}
	return nil // of auto
}

// suitMethod refuses flags that contradict --auth. Of one that was typed and one from the environment the typed one counts. Two
// of the environment are defaults for several methods, but for credentials: there it is not clear who is meant.
func (f *connectionFlags) suitMethod(fs *pflag.FlagSet) error {
	method, by := f.auth, "auth"
	words := f.origin(by) + " " + f.auth
	if method == authAuto && f.clientCert != "" {
		method, by, words = string(transport.AuthCertificate), "client-cert", "a client certificate"
	}
	credentials := []string{"client-cert", "ccache", "keytab"}
	for _, name := range unsuited(method) {
		var err error
		switch {
		case !f.given(name):
		case f.typed[name] && f.preset[by]:
			return f.reset(fs, by)
		case f.typed[name], f.preset[by] && slices.Contains(credentials, name):
			err = &usageError{f.origin(name) + " does not go with " + words}
		default:
			err = f.reset(fs, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reset takes back what the environment gave a flag, if it did.
func (f *connectionFlags) reset(fs *pflag.FlagSet, name string) error {
	if !f.preset[name] {
		return nil
	}
	delete(f.preset, name)
	fl := fs.Lookup(name)
	if list, ok := fl.Value.(pflag.SliceValue); ok {
		return list.Replace(nil)
	}
	return fl.Value.Set(fl.DefValue)
}

// check refuses values that no command can use.
func (f *connectionFlags) check() error {
	switch {
	case f.connectTimeout <= 0:
		return &usageError{f.origin("connect-timeout") + " must be longer than 0"}
	case f.timeout <= 0:
		return &usageError{f.origin("timeout") + " must be longer than 0"}
	case f.given("parallel") && f.parallel < 1:
		return f.badParallel()
	case f.deadline < 0:
		return &usageError{f.origin("deadline") + " must not be negative"}
	case f.uriStyle != uriStyleMicrosoft && f.uriStyle != uriStyleDMTF:
		return &usageError{fmt.Sprintf("%s %q is neither microsoft nor dmtf", f.origin("uri-style"), f.uriStyle)}
	case strings.ContainsFunc(f.locale, notInTag):
		return &usageError{fmt.Sprintf("%s %q is no language tag, such as de-DE", f.origin("locale"), f.locale)}
	case f.given("port") && f.port == 0:
		return &usageError{f.origin("port") + " must not be 0"}
	case !slices.Contains(methods(), f.auth):
		return &usageError{fmt.Sprintf("%s %q is none of %s", f.origin("auth"), f.auth, strings.Join(methods(), ", "))}
	case f.seal != sealAlways && f.seal != sealNever:
		return &usageError{fmt.Sprintf("%s %q is neither always nor never", f.origin("seal"), f.seal)}
	}
	return checkOutput(f.output)
}

// badParallel says what --parallel takes. A typed word may be the password of whoever took -p for its flag.
func (f *connectionFlags) badParallel() error {
	text := fmt.Sprintf("%s is not a number from 1 to %d", f.origin("parallel"), maxParallel)
	if f.typed["parallel"] && f.parallel == noCount {
		text += passwordComesFrom
	}
	return &usageError{text}
}

// suitHosts lets hosts that were typed beat the inventory of the environment, unless a group was typed too.
func (f *connectionFlags) suitHosts(fs *pflag.FlagSet, args []string) error {
	if len(args) > 0 && !f.typed["group"] {
		if err := f.reset(fs, "inventory"); err != nil {
			return err
		}
	}
	if f.inventory != "" || !f.given("group") {
		return nil
	}
	if f.typed["group"] {
		return &usageError{"--group needs --inventory"}
	}
	return f.reset(fs, "group")
}

// checkCertificate refuses half a client certificate.
func (f *connectionFlags) checkCertificate() error {
	switch {
	case f.clientKey != "" && f.clientCert == "":
		return &usageError{"--client-key needs --client-cert"}
	case f.auth == string(transport.AuthCertificate) && f.clientCert == "":
		return &usageError{f.origin("auth") + " certificate needs --client-cert"}
	}
	return nil
}
