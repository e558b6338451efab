package wsmantest

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// A User may authenticate at the host.
type User struct {
	// Name compares case-insensitively, as on Windows.
	Name     string   `json:"name"`
	Password Password `json:"password,omitempty"`
	// Access is what the user may do. The zero value is everything.
	Access Access `json:"access,omitempty"`
	// Certificate maps a client certificate to the user: "sha256:" and the hex SHA-256 of its DER form.
	Certificate string `json:"certificate,omitempty"`
	// CertificateSubject maps every certificate with this common name that Config.ClientCAs vouch for.
	CertificateSubject string `json:"certificateSubject,omitempty"`
}

// A Password prints as REDACTED.
type Password string

// String says REDACTED.
func (Password) String() string { return "REDACTED" }

// Format says REDACTED for every verb.
func (Password) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("REDACTED")) }

// MarshalText says REDACTED.
func (Password) MarshalText() ([]byte, error) { return []byte("REDACTED"), nil }

// A Keytab is a file of keys in the format of MIT. It prints as REDACTED.
type Keytab []byte

// String says REDACTED.
func (Keytab) String() string { return "REDACTED" }

// Format says REDACTED for every verb.
func (Keytab) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("REDACTED")) }

// MarshalText says REDACTED.
func (Keytab) MarshalText() ([]byte, error) { return []byte("REDACTED"), nil }

// Access is what a [User] may do.
type Access string

// The accesses that a host distinguishes (facts/wire-format.md §10).
const (
	AccessFull  Access = "full"
	AccessNone  Access = "none"  // authenticates; every Get, Enumerate and Invoke is refused
	AccessRead  Access = "read"  // reads; Invoke is refused
	AccessEmpty Access = "empty" // reads, but sees an empty namespace: not in Hyper-V Administrators
)

func (a Access) canRead() bool         { return a != AccessNone }
func (a Access) isAdministrator() bool { return a == "" || a == AccessFull }
func (a Access) canInvoke() bool       { return a.isAdministrator() || a == AccessEmpty }

func validateUsers(users []User) error {
	for i, u := range users {
		switch u.Access {
		case "", AccessFull, AccessNone, AccessRead, AccessEmpty:
		default:
			return fmt.Errorf("users[%d]: access %q is unknown", i, u.Access)
		}
		if u.Name == "" {
			return fmt.Errorf("users[%d]: name is required", i)
		}
		if u.Certificate != "" {
			hash, ok := strings.CutPrefix(u.Certificate, pinPrefix)
			if b, err := hex.DecodeString(hash); !ok || err != nil || len(b) != sha256.Size {
				return fmt.Errorf("users[%d]: certificate %q is not sha256: and 64 hex digits", i, u.Certificate)
			}
		}
	}
	return nil
}

// DefaultUsers returns one user of each kind: "administrator" may do everything, "reader" may not invoke, "outsider"
// sees an empty namespace, and "denied" may not read. Each password is the name followed by "-pass".
func DefaultUsers() []User {
	return []User{
		{Name: "administrator", Password: "administrator-pass"},
		{Name: "reader", Password: "reader-pass", Access: AccessRead},
		{Name: "outsider", Password: "outsider-pass", Access: AccessEmpty},
		{Name: "denied", Password: "denied-pass", Access: AccessNone},
	}
}

// authorizationCertificate is the Authorization header of a client that authenticates with its TLS certificate
// (facts/auth.md §5).
const authorizationCertificate = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

// errRefused is the answer 401. It does not say why: a host does not either.
var errRefused = errors.New("authentication refused")

// A caller is whoever sent a request.
type caller struct {
	user    *User    // nil: anonymous, or refused
	name    string   // as sent, when refused
	scheme  string   // one of the scheme constants, or ""
	session *session // nil: the request proves by itself who sent it
	sealed  bool     // the request came sealed by session
}

// caller returns who sent an HTTP request: what it carries itself, else who its connection belongs to.
func (s *Server) caller(r *http.Request, conn *connection) (caller, error) {
	if strings.EqualFold(r.Header.Get(headerAnonymous), "unauthenticated") {
		return caller{}, nil
	}
	scheme, _ := authorization(r)
	if n := conn.session; n != nil && (r.Header.Get("Authorization") == "" || scheme == n.scheme) {
		return caller{user: n.user, scheme: n.scheme, session: n}, nil
	}
	who := caller{scheme: scheme}
	var err error
	name, password, basic := r.BasicAuth()
	switch {
	case r.Header.Get("Authorization") == authorizationCertificate && s.takes(AuthMethodCertificate):
		who.user, err = s.certificateUser(r)
	case basic && s.takes(AuthMethodBasic):
		who.name = name
		who.user, err = s.basicUser(name, password)
	default:
		err = errRefused
	}
	return who, err
}

// basicUser compares digests, so that time tells nothing of a password; every user is looked at.
func (s *Server) basicUser(name, password string) (*User, error) {
	sent := sha256.Sum256([]byte(password))
	var found *User
	for i := range s.users {
		u := &s.users[i]
		want := sha256.Sum256([]byte(u.Password))
		same := subtle.ConstantTimeCompare(sent[:], want[:]) == 1
		if same && u.Password != "" && strings.EqualFold(u.Name, name) {
			found = u
		}
	}
	if found == nil {
		return nil, errRefused
	}
	return found, nil
}

// userNamed returns the user with a name, or nil.
func (s *Server) userNamed(name string) *User {
	for i := range s.users {
		if u := &s.users[i]; strings.EqualFold(u.Name, name) {
			return u
		}
	}
	return nil
}

// account returns the user that an NTLM client means, or nil: a name of the host's domain, of the host itself or of no
// domain, or user@realm.
func (s *Server) account(domain, name string) *User {
	if domain == "" {
		if i := strings.LastIndexByte(name, '@'); i >= 0 && s.isDomain(name[i+1:]) {
			name = name[:i]
		}
		return s.userNamed(name)
	}
	if !strings.EqualFold(domain, s.host.name()) && !s.isDomain(domain) {
		return nil
	}
	return s.userNamed(name)
}

func (s *Server) isDomain(name string) bool {
	return strings.EqualFold(name, s.domain) || strings.EqualFold(name, s.realm)
}

// principal returns the user that a Kerberos principal is, or nil.
func (s *Server) principal(p krb5.Principal) *User {
	if p.Realm != s.realm || len(p.Components) != 1 {
		return nil
	}
	return s.userNamed(p.Components[0])
}

func (s *Server) certificateUser(r *http.Request) (*User, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, errRefused
	}
	leaf := r.TLS.PeerCertificates[0]
	for i := range s.users {
		u := &s.users[i]
		if strings.EqualFold(u.Certificate, pinOf(leaf)) {
			return u, nil
		}
		if u.CertificateSubject != "" && u.CertificateSubject == leaf.Subject.CommonName && s.vouched(r.TLS.PeerCertificates) {
			return u, nil
		}
	}
	return nil, errRefused
}

// vouched reports whether a client's chain ends at one of Config.ClientCAs.
func (s *Server) vouched(chain []*x509.Certificate) bool {
	if s.cfg.ClientCAs == nil {
		return false
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: s.cfg.ClientCAs, Intermediates: intermediates, CurrentTime: s.now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err == nil
}

// wantsCertificates reports whether any user has one that may be used.
func (s *Server) wantsCertificates() bool {
	if !s.takes(AuthMethodCertificate) {
		return false
	}
	for _, u := range s.users {
		if u.Certificate != "" || u.CertificateSubject != "" {
			return true
		}
	}
	return false
}
