package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// Annotations of our flags.
const (
	annotationEnv   = "env"   // the variable that holds the default
	annotationGroup = "group" // the heading in the help
)

// groupConnection is the heading of the flags that say how to reach a host.
const groupConnection = "Connection flags"

const envPrefix = "HVMIGERR_"

// The values of --output.
const (
	outputText  = "text"
	outputJSON  = "json"
	outputJSONL = "jsonl"
)

// The names of --uri-style.
const (
	uriStyleMicrosoft = "microsoft"
	uriStyleDMTF      = "dmtf"
)

// connectionFlags say how to reach and to ask one host.
type connectionFlags struct {
	user, passwordFile, passwordCommand string
	auth                                string
	http, https                         bool
	port                                uint16
	allowUnencrypted                    bool
	caFile                              string
	tlsPins                             []string
	tlsServerName                       string
	insecure                            bool
	clientCert, clientKey               string
	proxy                               string
	connectTimeout, timeout             time.Duration
	locale, uriStyle                    string
	trace                               string
	verbose                             bool
	output                              string

	// anonymous is set by a command that may ask without a user.
	anonymous bool

	// typed holds the names of the flags that were given on the command line, preset those that the environment gave.
	typed, preset map[string]bool
}

// register defines the flags on cmd.
func (f *connectionFlags) register(cmd *cobra.Command) {
	fs := pflag.NewFlagSet(cmd.Name(), pflag.ContinueOnError)
	fs.SortFlags = false
	fs.StringVarP(&f.user, "user", "u", "", "`USER` to authenticate as; for basic a local account of the host")
	fs.StringVar(&f.passwordFile, "password-file", "", "read the password from `FILE`, which nobody else may read; - is stdin")
	fs.StringVar(&f.passwordCommand, "password-command", "", "run `COMMAND` and take what it prints as the password; words may be quoted, no shell is used")
	fs.StringVar(&f.auth, "auth", "", "`METHOD` of authentication, basic or certificate (default: certificate with --client-cert, else basic)")
	fs.BoolVar(&f.http, "http", false, "use http; basic then needs --allow-unencrypted [$HVMIGERR_HTTPS=false]")
	fs.BoolVar(&f.https, "https", false, "use https")
	fs.Uint16Var(&f.port, "port", 0, "TCP `PORT` of the host (default: 5986 for https, 5985 for http)")
	fs.BoolVar(&f.allowUnencrypted, "allow-unencrypted", false, "let basic send password and answers in clear over http; no variable sets this")
	fs.StringVar(&f.caFile, "ca-file", "", "trust the certificate authorities in the PEM `FILE`, not the system's")
	fs.StringArrayVar(&f.tlsPins, "tls-pin", nil, "accept exactly the certificate whose SHA-256 is `sha256:HEX`, whatever its issuer and names; repeatable")
	fs.StringVar(&f.tlsServerName, "tls-server-name", "", "expect `NAME` in the host's certificate")
	fs.BoolVar(&f.insecure, "insecure", false, "accept any certificate; no variable sets this")
	fs.StringVar(&f.clientCert, "client-cert", "", "client certificate, a PEM `FILE`")
	fs.StringVar(&f.clientKey, "client-key", "", "its private key, a PEM `FILE` (default: the file of --client-cert)")
	fs.StringVar(&f.proxy, "proxy", "", "http, https, socks5 or socks5h `URL` of a proxy, or none (default: HTTPS_PROXY and its like)")
	fs.DurationVar(&f.connectTimeout, "connect-timeout", transport.DefaultConnectTimeout, "limit for DNS, TCP and TLS together")
	fs.DurationVar(&f.timeout, "timeout", 30*time.Second, "limit for everything that is asked of the host")
	fs.StringVar(&f.locale, "locale", wsman.DefaultLocale, "language to ask the host for, as an RFC 5646 `TAG`")
	fs.StringVar(&f.uriStyle, "uri-style", uriStyleMicrosoft, "`STYLE` of resource URIs: microsoft, or dmtf for hosts that are not Windows")
	fs.StringVar(&f.trace, "trace", "", "write every exchange into the new directory `DIR`; it names machines, never secrets")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "tell on stderr what is exchanged")
	fs.VisitAll(func(fl *pflag.Flag) {
		annotate(fl, annotationGroup, groupConnection)
		if !slices.Contains([]string{"http", "allow-unencrypted", "insecure"}, fl.Name) { // DESIGN: Security rules
			fromEnvironment(fl)
		}
	})
	registerOutput(cmd, &f.output)
	cmd.Flags().SortFlags = false
	cmd.Flags().AddFlagSet(fs)
	complete(cmd, "auth", string(transport.AuthBasic), string(transport.AuthCertificate))
	complete(cmd, "uri-style", uriStyleMicrosoft, uriStyleDMTF)
}

// registerOutput defines --output.
func registerOutput(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVarP(value, "output", "o", outputText, "`FORMAT` of the answer: text, json or jsonl")
	fromEnvironment(cmd.Flags().Lookup("output"))
	complete(cmd, "output", outputText, outputJSON, outputJSONL)
}

// complete offers values for a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// The only error is a flag that is not there, which every test of the command would show.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// fromEnvironment gives a flag its variable and says so in its help.
func fromEnvironment(fl *pflag.Flag) {
	name := variable(fl.Name)
	annotate(fl, annotationEnv, name)
	fl.Usage += " [$" + name + "]"
}

// variable returns the name of the variable that holds a flag's default.
func variable(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// origin returns what gave a flag its value, for messages: --flag, or its variable.
func (f *connectionFlags) origin(flag string) string {
	if f.preset[flag] {
		return variable(flag)
	}
	return "--" + flag
}

func annotate(fl *pflag.Flag, key, value string) {
	if fl.Annotations == nil {
		fl.Annotations = map[string][]string{}
	}
	fl.Annotations[key] = []string{value}
}

// applyEnvironment sets each flag that was not typed from its variable, and returns the names of those it set. An empty
// variable counts as none.
func applyEnvironment(fs *pflag.FlagSet) (preset map[string]bool, err error) {
	preset = map[string]bool{}
	fs.VisitAll(func(fl *pflag.Flag) {
		names := fl.Annotations[annotationEnv]
		if err != nil || fl.Changed || len(names) == 0 {
			return
		}
		value := os.Getenv(names[0])
		if value == "" {
			return
		}
		if e := setFlag(fl, value); e != nil {
			err = &usageError{fmt.Sprintf("%s: invalid value %q for --%s%s", names[0], value, fl.Name, wanted(fl))}
			return
		}
		preset[fl.Name] = true
	})
	return preset, err
}

// wanted ends the message about a value that a flag does not take.
func wanted(fl *pflag.Flag) string {
	if fl.Value.Type() == "duration" {
		return ", want one such as 5s"
	}
	return ""
}

// setFlag sets a flag from one text; a repeatable one takes several values, separated by commas.
func setFlag(fl *pflag.Flag, value string) error {
	if list, ok := fl.Value.(pflag.SliceValue); ok {
		return list.Replace(strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }))
	}
	if fl.Name == "output" {
		if err := checkOutput(value); err != nil {
			return err
		}
	}
	return fl.Value.Set(value)
}

// finish is called when the command line has been read: it takes what is missing from the environment and finds
// contradictions.
func (f *connectionFlags) finish(fs *pflag.FlagSet) error {
	f.typed = map[string]bool{}
	empty := ""
	fs.Visit(func(fl *pflag.Flag) {
		f.typed[fl.Name] = true
		if fl.Annotations[annotationGroup] != nil && fl.Value.Type() == "string" && fl.Value.String() == "" {
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
	if err := f.chooseMethod(fs); err != nil {
		return err
	}
	for _, pair := range [][2]string{
		{"http", "https"},
		{"password-file", "password-command"},
		{"ca-file", "tls-pin"},
		{"insecure", "tls-pin"},
		{"insecure", "ca-file"},
	} {
		if err := f.exclude(fs, pair[0], pair[1]); err != nil {
			return err
		}
	}
	if err := checkOutput(f.output); err != nil {
		return err
	}
	return f.check()
}

// exclude refuses two flags that contradict each other. A typed one beats one from the environment, which is then reset.
func (f *connectionFlags) exclude(fs *pflag.FlagSet, a, b string) error {
	given := func(name string) bool { return f.typed[name] || f.preset[name] }
	if !given(a) || !given(b) {
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

// chooseMethod lets what was typed about a user or about a client certificate beat what the environment says about the other.
func (f *connectionFlags) chooseMethod(fs *pflag.FlagSet) error {
	basic := []string{"user", "password-file", "password-command"}
	certificate := []string{"client-cert", "client-key"}
	typed := func(method transport.Auth, flags []string) bool {
		return f.typed["auth"] && f.auth == string(method) || slices.ContainsFunc(flags, func(name string) bool { return f.typed[name] })
	}
	byPassword, byCertificate := typed(transport.AuthBasic, basic), typed(transport.AuthCertificate, certificate[:1])
	var weak []string
	switch {
	case byPassword && !byCertificate:
		weak = certificate
		if f.preset["auth"] && f.auth == string(transport.AuthCertificate) {
			weak = append(weak, "auth")
		}
	case byCertificate && !byPassword:
		weak = basic
		if f.preset["auth"] && f.auth == string(transport.AuthBasic) {
			weak = append(weak, "auth")
		}
	}
	if !f.typed["client-cert"] && !f.preset["client-cert"] {
		weak = append(weak, "client-key") // a key alone means nothing
	}
	for _, name := range weak {
		if !f.preset[name] {
			continue
		}
		if err := f.reset(fs, name); err != nil {
			return err
		}
	}
	return nil
}

// reset takes back what the environment gave a flag.
func (f *connectionFlags) reset(fs *pflag.FlagSet, name string) error {
	delete(f.preset, name)
	fl := fs.Lookup(name)
	if list, ok := fl.Value.(pflag.SliceValue); ok {
		return list.Replace(nil)
	}
	return fl.Value.Set(fl.DefValue)
}

// check refuses values that no command can use, and settles --auth.
func (f *connectionFlags) check() error {
	switch {
	case f.connectTimeout <= 0:
		return &usageError{f.origin("connect-timeout") + " must be longer than 0"}
	case f.timeout <= 0:
		return &usageError{f.origin("timeout") + " must be longer than 0"}
	case f.uriStyle != uriStyleMicrosoft && f.uriStyle != uriStyleDMTF:
		return &usageError{fmt.Sprintf("%s %q is neither microsoft nor dmtf", f.origin("uri-style"), f.uriStyle)}
	case strings.ContainsFunc(f.locale, notInTag):
		return &usageError{fmt.Sprintf("%s %q is no language tag, such as de-DE", f.origin("locale"), f.locale)}
	case f.clientKey != "" && f.clientCert == "":
		return &usageError{"--client-key needs --client-cert"}
	case (f.typed["port"] || f.preset["port"]) && f.port == 0:
		return &usageError{f.origin("port") + " must not be 0"}
	}
	if f.auth == "" {
		f.auth = string(transport.AuthBasic)
		if f.clientCert != "" {
			f.auth = string(transport.AuthCertificate)
		}
	}
	switch transport.Auth(f.auth) {
	case transport.AuthBasic:
		if f.clientCert != "" {
			return &usageError{f.origin("client-cert") + " does not go with " + f.origin("auth") + " basic"}
		}
	case transport.AuthCertificate:
		return f.checkCertificate()
	case transport.AuthNone:
		fallthrough
	default:
		return &usageError{fmt.Sprintf("%s %q is neither basic nor certificate", f.origin("auth"), f.auth)}
	}
	return nil
}

// notInTag tells what no language tag holds (RFC 5646 §2.1).
func notInTag(r rune) bool {
	return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

func (f *connectionFlags) checkCertificate() error {
	if f.clientCert == "" {
		return &usageError{f.origin("auth") + " certificate needs --client-cert"}
	}
	for _, name := range []string{"user", "password-file", "password-command"} {
		if f.typed[name] {
			return &usageError{"--" + name + " does not go with a client certificate"}
		}
	}
	return nil
}

// httpsByEnvironment returns what HVMIGERR_HTTPS says, nil if nothing.
func (f *connectionFlags) httpsByEnvironment() *bool {
	if !f.preset["https"] {
		return nil
	}
	return &f.https
}

// typedTLS returns the first flag that was typed and has a meaning only with https, "" if none.
func (f *connectionFlags) typedTLS() string {
	for _, name := range []string{"ca-file", "tls-pin", "tls-server-name", "insecure", "client-cert"} {
		if f.typed[name] {
			return name
		}
	}
	return ""
}

// checkOutput refuses an unknown format.
func checkOutput(value string) error {
	if !slices.Contains([]string{outputText, outputJSON, outputJSONL}, value) {
		return &usageError{"--output " + strconv.Quote(value) + " is none of text, json, jsonl"}
	}
	return nil
}
