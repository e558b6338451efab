package wsmantest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// validateServiceConfig refuses paths and values that no setting can have.
func validateServiceConfig(settings Properties) error {
	for path, value := range settings {
		for name := range strings.SplitSeq(path, "/") {
			if !isElementName(name) {
				return fmt.Errorf("serviceConfig: %q is not a path of names", path)
			}
		}
		switch value.(type) {
		case map[string]any, []any:
			return fmt.Errorf("serviceConfig: %s: want null, text, a number, true or false", path)
		}
	}
	return nil
}

// A serviceSetting is one setting of the service, by its path.
type serviceSetting struct {
	path  string
	value any
}

// serviceSettings are what Windows comes with (facts/faults.md §4, facts/auth.md; MS-WSMV §2.2.4.10), or what the server does.
func (s *Server) serviceSettings() []serviceSetting {
	negotiate := s.takes(AuthMethodNTLM) || s.takes(AuthMethodKerberos)
	return []serviceSetting{
		{"MaxEnvelopeSizekb", maxEnvelope >> 10},
		{"MaxTimeoutms", maxOperationTimeout.Milliseconds()},
		{"MaxBatchItems", maxBatchItems},
		{"Service/MaxConcurrentOperationsPerUser", maxOperations},
		{"Service/EnumerationTimeoutms", enumerationIdle.Milliseconds()},
		{"Service/MaxConnections", 300},
		{"Service/AllowUnencrypted", s.cfg.AllowUnencrypted},
		{"Service/Auth/Basic", s.takes(AuthMethodBasic)},
		{"Service/Auth/Kerberos", s.takes(AuthMethodKerberos)},
		{"Service/Auth/Negotiate", negotiate},
		{"Service/Auth/Certificate", s.takes(AuthMethodCertificate)},
		{"Service/Auth/CredSSP", false},
		{"Service/Auth/CbtHardeningLevel", "Relaxed"},
	}
}

// serviceConfig answers what is asked of the service's own configuration: a Get of an administrator.
func (s *Server) serviceConfig(c *call) (*etree.Document, error) {
	switch {
	case !c.user.Access.isAdministrator():
		return nil, newFault(FaultAccessDenied, "")
	case c.action != wsman.ActionGet:
		return nil, newFault(faultActionNotSupported, "")
	case len(c.selectors) > 0:
		return nil, newFault(faultUnexpectedSelectors, "The configuration has no keys.")
	}
	doc, header, body := c.w.envelope("a", "x", "w")
	c.w.address(header, wsman.ActionGet+"Response", c.messageID)
	root := c.w.add(body, "cfg", "Config")
	c.w.declare(root, "cfg", wsman.ResourceServiceConfig)
	root.CreateAttr("xml:lang", c.w.locale)
	own := maps.Clone(s.host.model.ServiceConfig)
	for _, setting := range s.serviceSettings() {
		if value, ok := own[setting.path]; ok {
			setting.value = value
			delete(own, setting.path)
		}
		c.w.setting(root, setting)
	}
	for _, path := range slices.Sorted(maps.Keys(own)) {
		c.w.setting(root, serviceSetting{path, own[path]})
	}
	return doc, nil
}

// setting adds one setting below root, with the groups around it.
func (w *writer) setting(root *etree.Element, s serviceSetting) {
	if s.value == nil {
		return
	}
	parent, names := root, strings.Split(s.path, "/")
	for _, group := range names[:len(names)-1] {
		next := child(parent, wsman.ResourceServiceConfig, group)
		if next == nil {
			next = w.add(parent, "cfg", group)
		}
		parent = next
	}
	w.addText(parent, "cfg", names[len(names)-1], fmt.Sprint(s.value))
}
