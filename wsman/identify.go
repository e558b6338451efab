package wsman

import (
	"context"
	"time"

	"github.com/beevik/etree"
)

// An Identity is what a service says of itself (DSP0226 §11).
type Identity struct {
	// ProtocolVersions are URIs; a service may name several.
	ProtocolVersions []string
	ProductVendor    string
	// ProductVersion of a Windows host reads "OS: 10.0.20348 SP: 0.0 Stack: 3.0"; without authentication the numbers are zero.
	ProductVersion   string
	SecurityProfiles []string
	// Date is the clock of the service; zero when it sent none.
	Date time.Time
	// Instance holds the whole answer.
	Instance *Instance
}

// Identify asks the service what it is.
func (c *Client) Identify(ctx context.Context) (*Identity, error) {
	return c.identify(ctx, false)
}

// IdentifyAnonymous asks without authentication, with a constant message that holds nothing of the user.
func (c *Client) IdentifyAnonymous(ctx context.Context) (*Identity, error) {
	return c.identify(ctx, true)
}

func (c *Client) identify(ctx context.Context, anonymous bool) (*Identity, error) {
	resp, err := c.do(ctx, &operation{name: "Identify", identify: true, anonymous: anonymous, repeatable: true})
	if err != nil {
		return nil, err
	}
	e := resp.body.child(NamespaceIdentity, "IdentifyResponse")
	if e == nil {
		return nil, &OpError{Op: "Identify", Err: &ProtocolError{Path: "s:Body", Msg: "no wsmid:IdentifyResponse"}}
	}
	i, err := newInstance(e)
	if err != nil {
		return nil, &OpError{Op: "Identify", Err: err}
	}
	i.Date = resp.date
	return newIdentity(i), nil
}

func newIdentity(i *Instance) *Identity {
	id := &Identity{Date: i.Date, Instance: i}
	for k := range i.Properties {
		p := &i.Properties[k]
		switch p.Name {
		case "ProtocolVersion":
			id.ProtocolVersions = append(id.ProtocolVersions, p.value())
		case "ProductVendor":
			id.ProductVendor = p.value()
		case "ProductVersion":
			id.ProductVersion = p.value()
		case "SecurityProfiles":
			for j := range p.Children {
				id.SecurityProfiles = append(id.SecurityProfiles, p.Children[j].value())
			}
		}
	}
	return id
}

// identifyEnvelope is the same for everybody: no addressing headers, nothing of the user (facts/wire-format.md §8).
func identifyEnvelope() ([]byte, error) {
	doc := etree.NewDocument()
	env := doc.CreateElement("s:Envelope")
	env.CreateAttr("xmlns:s", NamespaceSOAP)
	env.CreateAttr("xmlns:wsmid", NamespaceIdentity)
	env.CreateElement("s:Header")
	env.CreateElement("s:Body").CreateElement("wsmid:Identify")
	return writeDocument(doc)
}
