package wsman

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// errConvert says that p does not hold a value of the type that was asked for.
func (p *Property) errConvert(typ string) error {
	const most = 64 // octets: the text is the peer's and may be long
	text := p.value()
	if len(text) > most {
		text = text[:most] + "..."
	}
	return &ProtocolError{Path: p.Name, Msg: fmt.Sprintf("%q is no %s", text, typ)}
}

// value is the text of p, or of the one element inside it: services write <p:X><cim:Datetime>…</cim:Datetime></p:X>.
func (p *Property) value() string {
	if len(p.Children) == 1 && p.Text == "" {
		return strings.TrimSpace(p.Children[0].Text)
	}
	return strings.TrimSpace(p.Text)
}

// Bool reads an xs:boolean, in any case.
func (p *Property) Bool() (bool, error) {
	switch v := p.value(); {
	case isTrue(v):
		return true, nil
	case v == "0" || strings.EqualFold(v, "false"):
		return false, nil
	}
	return false, p.errConvert("boolean")
}

// Int reads a signed integer of that many bits.
func (p *Property) Int(bits int) (int64, error) {
	n, err := strconv.ParseInt(p.value(), 10, bits)
	if err != nil {
		return 0, p.errConvert(fmt.Sprintf("sint%d", bits))
	}
	return n, nil
}

// Uint reads an unsigned integer of that many bits.
func (p *Property) Uint(bits int) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(p.value(), "+"), 10, bits)
	if err != nil {
		return 0, p.errConvert(fmt.Sprintf("uint%d", bits))
	}
	return n, nil
}

// Float reads a real of that many bits.
func (p *Property) Float(bits int) (float64, error) {
	n, err := strconv.ParseFloat(p.value(), bits)
	if err != nil {
		return 0, p.errConvert(fmt.Sprintf("real%d", bits))
	}
	return n, nil
}

// Time reads a timestamp: cim:Datetime, a bare xs:dateTime (without a zone: UTC) or the 25-character form of CIM.
// FILETIME 0, 1601-01-01, means never and gives the zero time; so does a CIM timestamp of asterisks.
func (p *Property) Time() (time.Time, error) {
	t, ok := parseTime(p.value())
	if !ok {
		return time.Time{}, p.errConvert("timestamp")
	}
	return t, nil
}

// Duration reads an interval: cim:Interval, a bare xs:duration or the 25-character form of CIM.
func (p *Property) Duration() (time.Duration, error) {
	if d, ok := parseCIMInterval(p.value()); ok {
		return d, nil
	}
	d, ok := parseDuration(p.value())
	if !ok {
		return 0, p.errConvert("interval")
	}
	return d, nil
}

// Reference reads an endpoint reference, with the wsa:EndpointReference element around it or, as Windows writes it, without.
func (p *Property) Reference() (*EndpointReference, error) {
	content := p.Children
	if len(content) == 1 && content[0].Namespace == NamespaceAddressing && content[0].Name == "EndpointReference" {
		content = content[0].Children
	}
	ref := &EndpointReference{}
	for i := range content {
		switch c := &content[i]; c.Name {
		case "Address":
			ref.Address = strings.TrimSpace(c.Text)
		case "ReferenceParameters", "ReferenceProperties":
			if err := ref.readParameters(c.Children); err != nil {
				return nil, err
			}
		}
	}
	if ref.Address == "" && ref.ResourceURI == "" {
		return nil, p.errConvert("endpoint reference")
	}
	return ref, nil
}

func (r *EndpointReference) readParameters(params []Property) error {
	for i := range params {
		if params[i].Namespace != NamespaceWSMan {
			continue
		}
		switch params[i].Name {
		case "ResourceURI":
			r.ResourceURI = strings.TrimSpace(params[i].Text)
		case "SelectorSet":
			for j := range params[i].Children {
				s, err := readSelector(&params[i].Children[j])
				if err != nil {
					return err
				}
				r.Selectors = append(r.Selectors, s)
			}
		}
	}
	return nil
}

func readSelector(p *Property) (Selector, error) {
	s := Selector{Value: p.Text}
	for _, a := range p.Attributes {
		if a.Name == "Name" {
			s.Name = a.Value
		}
	}
	if len(p.Children) > 0 {
		epr, err := p.Reference()
		if err != nil {
			return Selector{}, err
		}
		s.EPR = epr
	}
	return s, nil
}

// Embedded reads an instance that stands inside p as XML elements, as services write embedded instances whose
// type WinRM knows. It reports false when p holds text only.
func (p *Property) Embedded() (*Instance, bool) {
	if len(p.Children) == 0 {
		return nil, false
	}
	if len(p.Children) == 1 && len(p.Children[0].Children) > 0 {
		return p.Children[0].instance(), true
	}
	return p.instance(), true
}
