package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
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

// The values of --seal.
const (
	sealAlways = "always"
	sealNever  = "never"
)

// connectionFlags say how to reach and to ask one host.
type connectionFlags struct {
	user, passwordFile, passwordCommand string
	auth, seal, spn                     string
	kdcs                                []string
	ccache, keytab                      string
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

	// Of many hosts.
	parallel                hostCount
	deadline                time.Duration
	inventory, group, shard string

	// anonymous is set by a command that may ask without a user.
	anonymous bool

	// roots and pair are what caFile, clientCert and clientKey hold, once readTLS has read them.
	roots *x509.CertPool
	pair  *tls.Certificate

	// typed holds the names of the flags that were given on the command line, preset those that the environment gave.
	typed, preset map[string]bool
	// overridden holds what gave flags their values for this host alone, in words.
	overridden map[string]string
}

// register defines the flags on cmd.
func (f *connectionFlags) register(cmd *cobra.Command) {
	fs := pflag.NewFlagSet(cmd.Name(), pflag.ContinueOnError)
	fs.SortFlags = false
	fs.StringVarP(&f.user, "user", "u", "", "`USER` to authenticate as: DOMAIN\\user, user@REALM, or user: an account of the host (NTLM) or the holder of the ticket")
	fs.StringVar(&f.passwordFile, "password-file", "", "read the password from `FILE`, which nobody else may read; - is stdin")
	fs.StringVar(&f.passwordCommand, "password-command", "", "run `COMMAND` and take what it prints as the password; words may be quoted, no shell is used")
	fs.StringVar(&f.auth, "auth", authAuto, "`METHOD` of authentication: auto, kerberos, negotiate, ntlm, basic or certificate; auto takes Kerberos where there is a ticket or a KDC, else NTLM, never basic")
	fs.StringVar(&f.spn, "spn", "", "service `NAME` of the host, such as HTTP/hv01.example.com (default: HTTP/HOST, then WSMAN/ and HOST/)")
	fs.StringSliceVar(&f.kdcs, "kdc", nil, "KDC for Kerberos, a `HOST` or HOST:PORT; repeatable (default: those of krb5.conf, then of DNS)")
	fs.StringVar(&f.ccache, "ccache", "", "take the Kerberos ticket from `FILE` (default: $KRB5CCNAME, as kinit leaves it)")
	fs.StringVar(&f.keytab, "keytab", "", "take the user's Kerberos key from `FILE`, in place of a password")
	fs.StringVar(&f.seal, "seal", sealAlways, "`WHEN` NTLM and Kerberos encrypt each message: always, or never, which relies on https alone")
	fs.BoolVar(&f.http, "http", false, "use http; basic then needs --allow-unencrypted [$HVMIGERR_HTTPS=false]")
	fs.BoolVar(&f.https, "https", false, "use https")
	fs.Uint16Var(&f.port, "port", 0, "TCP `PORT` of the host (default: 5985 for http, 5986 for https)")
	fs.BoolVar(&f.allowUnencrypted, "allow-unencrypted", false, "let --auth basic and --seal never send everything in clear over http; no variable sets this")
	fs.StringVar(&f.caFile, "ca-file", "", "trust the certificate authorities in the PEM `FILE`, not the system's")
	fs.StringArrayVar(&f.tlsPins, "tls-pin", nil, "accept exactly the certificate whose SHA-256 is `sha256:HEX`, whatever its issuer and names; repeatable")
	fs.StringVar(&f.tlsServerName, "tls-server-name", "", "expect `NAME` in the host's certificate")
	fs.BoolVar(&f.insecure, "insecure", false, "accept any certificate; no variable sets this")
	fs.StringVar(&f.clientCert, "client-cert", "", "client certificate, a PEM `FILE`")
	fs.StringVar(&f.clientKey, "client-key", "", "its private key, a PEM `FILE` (default: the file of --client-cert)")
	fs.StringVar(&f.proxy, "proxy", "", "http, https, socks5 or socks5h `URL` of a proxy, or none (default: HTTPS_PROXY and its like)")
	fs.DurationVar(&f.connectTimeout, "connect-timeout", transport.DefaultConnectTimeout, "limit for DNS, TCP and TLS together, and for a KDC")
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
	complete(cmd, "auth", methods()...)
	complete(cmd, "seal", sealAlways, sealNever)
	complete(cmd, "uri-style", uriStyleMicrosoft, uriStyleDMTF)
}

// registerHosts defines the flags of a command that takes many hosts.
func (f *connectionFlags) registerHosts(cmd *cobra.Command) {
	f.parallel = fleet.DefaultParallel
	fs := pflag.NewFlagSet(cmd.Name(), pflag.ContinueOnError)
	fs.SortFlags = false
	fs.VarP(&f.parallel, "parallel", "p", "how many hosts are asked at the same time, a `NUMBER`")
	fs.DurationVar(&f.deadline, "deadline", 0, "limit for all hosts together (default: none)")
	fs.StringVar(&f.inventory, "inventory", "", "take hosts from `FILE`, or - for stdin: the JSON of \"ansible-inventory --list\", of which ansible_host, ansible_port and ansible_user are read, and nothing else")
	fs.StringVar(&f.group, "group", "", "only hosts of the group of this `NAME` in the inventory")
	fs.StringVar(&f.shard, "shard", "", "only part `I/N` of the hosts, I from 0 to N-1: those for which the first 8 bytes of the SHA-256 of the name, in lower case and with :PORT where it is listed so, as a big-endian number, modulo N are I")
	fs.VisitAll(fromEnvironment)
	cmd.Flags().SortFlags = false
	cmd.Flags().AddFlagSet(fs)
}

// hostsFlags lists the flags of registerHosts that hold a text.
func hostsFlags() []string { return []string{"inventory", "group", "shard"} }

// A hostCount is the value of --parallel. It takes every text: -p is also what a password is given by elsewhere, and an error of
// pflag would repeat it. What it cannot be is 0: a number out of bounds, or noCount: none.
type hostCount int

const noCount hostCount = -1

// maxParallel bounds --parallel. It is more than a process can have connections.
const maxParallel = 100_000

// Set implements pflag.Value.
func (c *hostCount) Set(text string) error {
	n, err := strconv.Atoi(text)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && (n < 1 || n > maxParallel):
		*c = 0
	case err != nil:
		*c = noCount
	default:
		*c = hostCount(n)
	}
	return nil
}

// Type implements pflag.Value.
func (*hostCount) Type() string { return "number" }

func (c *hostCount) String() string { return strconv.Itoa(int(*c)) }

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

// origin returns what gave a flag its value, for messages: --flag, its variable, or the key in a list of hosts.
func (f *connectionFlags) origin(flag string) string {
	if word := f.overridden[flag]; word != "" {
		return word
	}
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
	switch v := fl.Value.(type) {
	case *lookBack:
		return ", want a time such as 90m, 24h or 7d, at most 3650d"
	case *routeName:
		return ", want servermanager or shell"
	default:
		if v.Type() == "duration" {
			return ", want one such as 5s"
		}
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

// notInTag tells what no language tag holds (RFC 5646 §2.1).
func notInTag(r rune) bool {
	return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
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
