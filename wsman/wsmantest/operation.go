package wsmantest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// A call is one request under way: who sent it, what it says, and how it is answered.
type call struct {
	*request
	user *User // nil for the anonymous Identify
	now  time.Time
	w    *writer
}

// operation names what the request is for, as rules and records know it: Identify, Get, Enumerate, Pull, Release, a method,
// or, for shells, Create, Command, Receive, Send, Signal, Delete.
func (req *request) operation() string {
	switch {
	case req.identify:
		return "Identify"
	case req.action == wsman.ActionGet:
		return "Get"
	case req.action == wsman.ActionEnumerate:
		return "Enumerate"
	case req.action == wsman.ActionPull:
		return "Pull"
	case req.action == wsman.ActionRelease:
		return "Release"
	}
	return req.action[strings.LastIndexByte(req.action, '/')+1:]
}

// perform does what a request asks and returns the envelope of the answer; the error is a *fault, or that of ctx.
func (s *Server) perform(ctx context.Context, c *call) (*etree.Document, error) {
	if c.identify {
		return s.identify(c), nil
	}
	if !c.user.Access.canRead() {
		return nil, newFault(FaultAccessDenied, "")
	}
	if c.shell {
		return s.shell(ctx, c)
	}
	switch c.action {
	case wsman.ActionPull:
		return s.pull(c)
	case wsman.ActionRelease:
		return s.release(c)
	}
	if c.config {
		return s.serviceConfig(c)
	}
	if strings.EqualFold(c.namespace, namespaceServerManager) && !s.host.model.EventService.NoNamespace {
		return s.serverManager(c)
	}
	if s.host.model.NoHyperV || !strings.EqualFold(c.namespace, namespaceHyperV) {
		return nil, newFault(faultInvalidNamespace, "The CIM namespace "+c.namespace+" is invalid.")
	}
	switch c.action {
	case wsman.ActionGet:
		return s.get(c)
	case wsman.ActionEnumerate:
		return s.enumerate(c)
	}
	return s.invoke(c)
}

// What Identify says of the product (MS-WSMV): the version of the system is told only to users.
const (
	productVendor           = "hvmigerr"
	productVersion          = "OS: 10.0.20348 SP: 0.0 Stack: 3.0"
	productVersionAnonymous = "OS: 0.0.0 SP: 0.0 Stack: 3.0"
	profiles                = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/" // DSP0226, security profiles
)

func (s *Server) identify(c *call) *etree.Document {
	doc, _, body := c.w.envelope()
	e := c.w.add(body, "wsmid", "IdentifyResponse")
	c.w.declare(e, "wsmid", wsman.NamespaceIdentity)
	c.w.addText(e, "wsmid", "ProtocolVersion", wsman.NamespaceWSMan)
	c.w.addText(e, "wsmid", "ProductVendor", cmp.Or(s.host.model.ProductVendor, productVendor))
	version := productVersionAnonymous
	if c.user != nil {
		version = cmp.Or(s.host.model.ProductVersion, productVersion)
	}
	c.w.addText(e, "wsmid", "ProductVersion", version)
	list := c.w.add(e, "wsmid", "SecurityProfiles")
	for _, name := range s.securityProfiles() {
		c.w.addText(list, "wsmid", "SecurityProfileName", name)
	}
	return doc
}

// securityProfiles names how a client may authenticate.
func (s *Server) securityProfiles() []string {
	scheme := "https/"
	if s.cfg.HTTP {
		scheme = "http/"
	}
	methods := s.cfg.methods()
	var names []string
	if slices.Contains(methods, AuthMethodNTLM) || slices.Contains(methods, AuthMethodKerberos) {
		names = append(names, profiles+scheme+"spnego-kerberos")
	}
	if slices.Contains(methods, AuthMethodBasic) {
		names = append(names, profiles+scheme+"basic")
	}
	if s.wantsCertificates() {
		names = append(names, authorizationCertificate)
	}
	return names
}

func (s *Server) get(c *call) (*etree.Document, error) {
	classes := s.host.classes(c.class)
	if len(classes) == 0 || classes[0].name != c.className(classes) {
		return nil, newFault(FaultNotFound, "").fromWMI("GetObject", c.class)
	}
	in, err := s.find(c, classes[0])
	if err != nil {
		return nil, err
	}
	doc, header, body := c.w.envelope("a", "x", "w")
	c.w.address(header, wsman.ActionGet+"Response", c.messageID)
	body.AddChild(c.w.instance(in, c.classURI(in.class.name), nil))
	return doc, nil
}

// className returns the declared spelling of the class that the request names, or "" when it names an ancestor: an
// instance is addressed by its own class only.
func (c *call) className(classes []*class) string {
	if strings.EqualFold(classes[0].name, c.class) {
		return classes[0].name
	}
	return ""
}

// find returns the instance that the selectors name.
func (s *Server) find(c *call, k *class) (*instance, error) {
	if err := c.checkKeys(k); err != nil {
		return nil, err
	}
	for _, in := range s.visible(c, k) {
		if in.matches(c.selectors) {
			return in, nil
		}
	}
	return nil, c.notFound(k)
}

// checkKeys refuses selectors that are not the keys of the class. All are required (facts/wire-format.md §8).
func (c *call) checkKeys(k *class) error {
	if len(c.selectors) == 0 {
		return newFault(faultNoKeys, "The class has keys, and the request names none.")
	}
	for _, sel := range c.selectors {
		if p, ok := k.property(sel.Name); !ok || !k.isKey(p.name) {
			return newFault(faultUnexpectedSelectors, "The selector "+sel.Name+" is no key of the class.")
		}
	}
	if len(c.selectors) < len(k.keys) {
		return newFault(faultInsufficientSelector, "A key of the class is missing.")
	}
	return nil
}

// notFound is what WMI says when no instance has the keys.
func (c *call) notFound(k *class) error {
	path := k.name + "." + k.keys[0] + `="` + c.selectors[0].Value + `"`
	return newFault(FaultNotFound, "").fromWMI("GetObject", path)
}

// visible returns the instances of a class that the user is shown, for an enumeration or for keys.
func (s *Server) visible(c *call, k *class) []*instance {
	if c.user.Access == AccessEmpty {
		return nil
	}
	return s.host.instances(k, c.selectors, c.now)
}

func (k *class) isKey(name string) bool { return slices.Contains(k.keys, name) }

// matches reports whether the keys have the values of the selectors; WMI compares key strings case-insensitively.
func (i *instance) matches(selectors wsman.SelectorSet) bool {
	for _, sel := range selectors {
		if !strings.EqualFold(i.text(sel.Name), sel.Value) {
			return false
		}
	}
	return true
}
