package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// WinRM's ports.
const (
	portHTTP  = 5985
	portHTTPS = 5986
)

// A target is one host, as named on the command line.
type target struct {
	name  string // as typed, without scheme, port and path
	https bool
	url   string // the endpoint
	label string // what results of many hosts call it, each another
	key   string // label in lower case
}

// A hostRule says what chooses scheme and port where the argument does not.
type hostRule struct {
	http, https bool   // --http and --https, typed
	environment *bool  // HVMIGERR_HTTPS
	port        uint16 // --port or its variable; 0 is none
	portTyped   bool
	secret      bool             // basic or certificate: only TLS protects what is sent
	tlsFlag     string           // a typed flag that means https; "" is none
	flags       *connectionFlags // that say what gave them their values; nil: all were typed
}

// origin returns what gave a flag its value.
func (r *hostRule) origin(flag string) string {
	if r.flags == nil {
		return "--" + flag
	}
	return r.flags.origin(flag)
}

// hostRule returns the rule for a host that m is used with.
func (f *connectionFlags) hostRule(m *method) *hostRule {
	return &hostRule{
		http: f.http, https: f.typed["https"] && f.https, environment: f.httpsByEnvironment(),
		port: f.port, portTyped: f.typed["port"],
		secret: m.Auth == transport.AuthBasic || m.Auth == transport.AuthCertificate, tlsFlag: f.typedTLS(), flags: f,
	}
}

// target returns the host of arg, which splitHost has read as u. What chooses the scheme, the first that does (DESIGN: Hosts):
// the URL, --http or --https, the port if named here, HVMIGERR_HTTPS, an authentication that needs it, a flag about TLS; else http.
func (r *hostRule) target(arg string, u *url.URL) (*target, error) {
	port, err := r.namedPort(arg, u)
	if err != nil {
		return nil, err
	}
	if err := r.chooseScheme(arg, u, port); err != nil {
		return nil, err
	}
	https := u.Scheme == "https"
	switch {
	case port != 0:
	case r.port != 0:
		port = r.port
	case https:
		port = portHTTPS
	default:
		port = portHTTP
	}
	name := u.Hostname()
	u.Host = net.JoinHostPort(name, strconv.Itoa(int(port)))
	return &target{name: name, https: https, url: u.String()}, nil
}

// splitHost reads HOST, HOST:PORT, [IPv6]:PORT or a URL. The result lacks a scheme where arg does.
func splitHost(arg string) (*url.URL, error) {
	switch {
	case arg == "":
		return nil, &usageError{"HOST is empty"}
	case arg == "-" || strings.HasPrefix(arg, "@"):
		return nil, badHost(arg, "is a list, where one host is to be named")
	case !strings.Contains(arg, "://") && strings.Contains(arg, "@"):
		return nil, &usageError{"HOST must not hold a user or a password; there is --user"}
	case severalHosts(arg):
		return nil, badHost(arg, "holds a comma or a blank; several hosts are separate arguments, or lines of a list")
	}
	if scheme, _, ok := strings.Cut(arg, "://"); ok {
		return splitURL(arg, strings.ToLower(scheme))
	}
	var name, port string
	switch {
	case strings.HasPrefix(arg, "["):
		end := strings.IndexByte(arg, ']')
		if end < 0 || arg[end+1:] != "" && arg[end+1] != ':' {
			return nil, badHost(arg, "is not [IPv6] or [IPv6]:PORT")
		}
		name = arg[1:end]
		if addr, err := netip.ParseAddr(name); err != nil || !addr.Is6() {
			return nil, badHost(arg, "has no IPv6 address in its brackets")
		}
		port = strings.TrimPrefix(arg[end+1:], ":")
		if arg[end+1:] == ":" {
			return nil, badHost(arg, "has no port after the colon")
		}
	case strings.Count(arg, ":") > 1:
		return nil, badHost(arg, "has several colons; an IPv6 address stands in brackets, as in [::1]")
	default:
		var colon bool
		if name, port, colon = strings.Cut(arg, ":"); colon && port == "" {
			return nil, badHost(arg, "has no port after the colon")
		}
	}
	if err := checkName(arg, name); err != nil {
		return nil, err
	}
	host := name
	if strings.Contains(name, ":") {
		host = "[" + name + "]"
	}
	if port != "" {
		if strings.Trim(port, "0123456789") != "" {
			return nil, badHost(arg, "has a port that is not 1 to 65535") // url.URL would take it for a part of the name
		}
		host += ":" + port
	}
	return &url.URL{Host: host, Path: "/wsman"}, nil
}

// severalHosts tells an argument with a comma or a blank where a host ends. In the path of a URL they are nothing unusual. What may
// hold a password is left to splitURL, which repeats nothing.
func severalHosts(arg string) bool {
	if _, rest, isURL := strings.Cut(arg, "://"); isURL {
		if strings.Contains(arg, "@") {
			return false
		}
		var path string
		arg, path, _ = strings.Cut(rest, "/")
		if strings.Contains(path, "://") {
			return true
		}
	}
	return strings.ContainsFunc(arg, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

func splitURL(arg, scheme string) (*url.URL, error) {
	if scheme != "http" && scheme != "https" {
		return nil, &usageError{"HOST: the scheme of a URL is http or https"}
	}
	u, err := url.Parse(arg)
	switch {
	case err != nil:
		return nil, &usageError{"HOST is not a valid URL"} // it may hold a password
	case u.User != nil:
		return nil, &usageError{"HOST: a URL must not hold a user or a password; there is --user"}
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, badHost(arg, "has more than a path")
	case strings.HasSuffix(u.Host, ":"):
		return nil, badHost(arg, "has no port after the colon")
	}
	if err := checkName(arg, u.Hostname()); err != nil {
		return nil, err
	}
	u.Scheme = scheme
	if u.Path == "" || u.Path == "/" {
		u.Path = "/wsman"
	}
	return u, nil
}

func checkName(arg, name string) error {
	if name == "" {
		return badHost(arg, "has no name")
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		name = addr.Zone() // the rest is sound
		if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
			return badHost(arg, "is not a host name") // net/url cannot read it back
		}
	}
	if strings.ContainsFunc(name, notInName) {
		return badHost(arg, "is not a host name")
	}
	return nil
}

// notInName tells what cannot be part of a name: delimiters of URLs, blanks, and whatever would not print as itself.
func notInName(r rune) bool {
	return r <= ' ' || unsafeRune(r) || strings.ContainsRune("/\\?#@%<>\"'`{}|^,;&*()=+$!~[]:", r)
}

func badHost(arg, what string) error {
	return &usageError{fmt.Sprintf("HOST %q %s", arg, what)}
}

// namedPort returns the port of the argument or of --port, which may choose the scheme; 0 for none. The environment's may not.
func (r *hostRule) namedPort(arg string, u *url.URL) (uint16, error) {
	text := u.Port()
	switch {
	case text == "" && r.portTyped:
		return r.port, nil
	case text == "":
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, badHost(arg, "has a port that is not 1 to 65535")
	}
	port := uint16(n)
	if r.portTyped && r.port != port {
		return 0, &usageError{fmt.Sprintf("%s %d contradicts HOST %q", r.origin("port"), r.port, arg)}
	}
	return port, nil
}

// chooseScheme sets u.Scheme.
func (r *hostRule) chooseScheme(arg string, u *url.URL, port uint16) error {
	switch {
	case u.Scheme == "http" && r.https:
		return &usageError{fmt.Sprintf("%s contradicts HOST %q", r.origin("https"), arg)}
	case u.Scheme == "https" && r.http:
		return &usageError{fmt.Sprintf("%s contradicts HOST %q", r.origin("http"), arg)}
	case u.Scheme != "":
	case r.https:
		u.Scheme = "https"
	case r.http:
		u.Scheme = "http"
	case port == portHTTPS || port == 443:
		u.Scheme = "https"
	case port == portHTTP || port == 80:
		u.Scheme = "http"
	case r.environment != nil:
		u.Scheme = map[bool]string{true: "https", false: "http"}[*r.environment]
	case r.secret || r.tlsFlag != "":
		u.Scheme = "https"
	default:
		u.Scheme = "http"
	}
	if u.Scheme == "http" && r.tlsFlag != "" {
		return &usageError{fmt.Sprintf("--%s needs https, and HOST %q is reached by http", r.tlsFlag, arg)}
	}
	return nil
}
