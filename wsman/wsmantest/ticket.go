package wsmantest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

const (
	// defaultRealm is the host's realm unless Config.Keytab names another.
	defaultRealm = "CORP.EXAMPLE"
	// ticketLife is how long the tickets of CCache are valid, as on Windows.
	ticketLife = 10 * time.Hour
)

// readKeys sets the keys of the HTTP service, from the keytab or random or common, and the realm and domain that follow.
func (s *Server) readKeys(keytab []byte, common *common) error {
	s.realm = defaultRealm
	if keytab != nil {
		keys, err := krb5.DecodeKeytab(keytab)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return errors.New("the keytab holds no key of a type that is in use")
		}
		s.keys, s.realm = keys, keys[0].Principal.Realm
	}
	label, _, _ := strings.Cut(s.realm, ".")
	s.domain = strings.ToUpper(label)
	switch {
	case s.keys != nil:
	case common.serves(&s.cfg):
		s.keys = common.keys()
	default:
		s.keys = newServiceKeys(s.names())
	}
	return nil
}

// newServiceKeys returns one random key for the HTTP service by each of the names.
func newServiceKeys(names []string) []krb5.ServiceKey {
	key := newKey()
	var keys []krb5.ServiceKey
	for _, name := range names {
		keys = append(keys, krb5.ServiceKey{
			Principal: krb5.Principal{NameType: krb5.NameTypeHost, Components: []string{"HTTP", name}, Realm: defaultRealm}, KVNO: 1, Key: key,
		})
	}
	return keys
}

// newKey returns a random key.
func newKey() krb5.Key {
	value := make([]byte, 32)
	_, _ = rand.Read(value) // documented never to fail
	return krb5.Key{EType: krb5.ETypeAES256SHA1, Value: value}
}

// names returns what a client may call the server, without repetition.
func (s *Server) names() []string {
	return distinct(localNames(), []string{s.host.name(), strings.ToLower(s.host.name()), s.dnsName()}, s.cfg.Names)
}

// localNames are what every machine calls itself.
func localNames() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// distinct returns the texts of the lists in their order, each once, without "".
func distinct(lists ...[]string) []string {
	seen := map[string]bool{"": true}
	return slices.DeleteFunc(slices.Concat(lists...), func(name string) bool {
		again := seen[name]
		seen[name] = true
		return again
	})
}

// dnsName returns the host's full name.
func (s *Server) dnsName() string {
	return strings.ToLower(s.host.name() + "." + s.realm)
}

// Realm returns the Kerberos realm of the server: that of Config.Keytab, or CORP.EXAMPLE. Its first label is the domain
// that NTLM users name.
func (s *Server) Realm() string { return s.realm }

// CCache returns a Kerberos credential cache (MIT's file format, version 4) for the user with that name: a ticket for
// the server by each of its names, and a ticket-granting ticket, valid from now for ten hours. No KDC is needed for the
// tickets, and none would take the ticket-granting one.
func (s *Server) CCache(user string) ([]byte, error) {
	u := s.userNamed(user)
	if u == nil {
		return nil, fmt.Errorf("wsmantest: no user %q", user)
	}
	if !s.takes(AuthMethodKerberos) {
		return nil, errors.New("wsmantest: the server does not take Kerberos")
	}
	client := krb5.Principal{NameType: krb5.NameTypePrincipal, Components: []string{u.Name}, Realm: s.realm}
	cache := &krb5.CCache{Principal: client}
	start := s.now().Truncate(time.Second)
	granting := krb5.ServiceKey{Principal: krb5.TGS(s.realm, s.realm), KVNO: 1, Key: newKey()} // nobody keeps it
	for _, key := range append([]krb5.ServiceKey{granting}, s.keys...) {
		if cache.Find(key.Principal, start) != nil {
			continue // a keytab has a key of each type for one service
		}
		c, err := krb5.Forge(krb5.Forgery{
			Client: client, Server: key.Principal, ServiceKey: key, EType: key.Key.EType, StartTime: start, EndTime: start.Add(ticketLife),
		}, rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("wsmantest: %w", err)
		}
		cache.Credentials = append(cache.Credentials, c)
	}
	return cache.Encode(), nil
}
