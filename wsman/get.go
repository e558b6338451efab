package wsman

import "context"

// A GetRequest names one instance.
type GetRequest struct {
	Resource  Resource
	Selectors SelectorSet
	Options   OptionSet
}

// Get reads one instance (WS-Transfer Get).
func (c *Client) Get(ctx context.Context, req *GetRequest) (*Instance, error) {
	op := &operation{
		name: "Get", action: ActionGet,
		resource:   c.cfg.URIStyle.uri(req.Resource),
		selectors:  c.cfg.URIStyle.selectors(req.Resource, req.Selectors),
		options:    req.Options,
		repeatable: true,
	}
	resp, err := c.do(ctx, op)
	if err != nil {
		return nil, err
	}
	i, err := soleInstance(resp)
	if err != nil {
		return nil, &OpError{Op: op.name, ResourceURI: op.resource, Err: err}
	}
	return i, nil
}

// soleInstance reads the one child of the body.
func soleInstance(resp *response) (*Instance, error) {
	children, err := resp.body.children()
	if err != nil {
		return nil, err
	}
	if len(children) != 1 {
		return nil, &ProtocolError{Path: "s:Body", Msg: "one instance was due"}
	}
	i, err := newInstance(children[0])
	if err != nil {
		return nil, err
	}
	i.Date = resp.date
	return i, nil
}
