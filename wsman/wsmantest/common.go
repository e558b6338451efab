package wsmantest

import (
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// A common is what the hosts of a fleet need not have each for itself: the classes, and for hosts that are called alike a
// certificate and the keys of Kerberos, which are made when the first of them wants them. A nil common shares nothing.
type common struct {
	schema *schema
	names  []string // of all hosts

	keys func() []krb5.ServiceKey

	mu       sync.Mutex
	identity *identity
}

// maxTickets bounds the names that there are tickets for: a file of them grows by half a kilobyte with each, and clients read
// none that is longer than a megabyte.
const maxTickets = 1000

// newCommon returns what hosts have in common that can be reached by the local names and by others.
func newCommon(others ...[]string) *common {
	names := distinct(append([][]string{localNames()}, others...)...)
	return &common{
		schema: newSchema(), names: names,
		keys: sync.OnceValue(func() []krb5.ServiceKey { return newServiceKeys(names[:min(len(names), maxTickets)]) }),
	}
}

func (c *common) classes() *schema {
	if c == nil {
		return newSchema()
	}
	return c.schema
}

// serves reports whether a host of that configuration has the common names.
func (c *common) serves(cfg *Config) bool { return c != nil && cfg.Names == nil }

// serverIdentity returns the certificate, which begins to be valid when it is first wanted.
func (c *common) serverIdentity(now time.Time) (*identity, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.identity != nil {
		return c.identity, nil
	}
	var err error
	c.identity, err = newIdentity(now, c.names, "")
	return c.identity, err
}
