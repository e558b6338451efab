package wsman

import "context"

// A ServiceConfig is what a Windows service says of its own limits and of who may authenticate how (MS-WSMV §2.2.4.10,
// ConfigType). Nil is what was not told, or could not be read; the latter is told in Problems.
// What Windows comes with: facts/faults.md §4 and facts/auth.md.
type ServiceConfig struct {
	// MaxEnvelopeSizekb is the largest envelope either way, in units of 1024 octets; 500 by default.
	MaxEnvelopeSizekb *uint32
	// MaxTimeoutms bounds the OperationTimeout of anything but Pull, in milliseconds; 60000 by default.
	MaxTimeoutms *uint32
	// MaxBatchItems is the largest number of items in a page; 32000 by default.
	MaxBatchItems *uint32
	Service       ServiceSettings

	// Instance is everything that arrived: the settings of the client side and of shells among it.
	Instance *Instance
	// Problems holds a [*ProtocolError] for each setting that could not be read.
	Problems []error
}

// ServiceSettings are the settings of the listening side (MS-WSMV §2.2.4, ServiceType).
type ServiceSettings struct {
	// MaxConcurrentOperationsPerUser is 1500 by default, on hosts older than Windows Server 2012 as few as 15.
	MaxConcurrentOperationsPerUser *uint32
	// MaxConnections is how many requests are served at once; 300 by default.
	MaxConnections *uint32
	// EnumerationTimeoutms is how long an enumeration may stay idle, in milliseconds.
	EnumerationTimeoutms *uint32
	// AllowUnencrypted takes messages in clear over HTTP; false by default.
	AllowUnencrypted *bool
	Auth             ServiceAuth
}

// ServiceAuth tells which ways of authentication the service takes (MS-WSMV §2.2.4.1, AuthenticationType).
type ServiceAuth struct {
	Basic, Kerberos, Negotiate, Certificate, CredSSP *bool
	// CbtHardeningLevel tells what becomes of a client without channel bindings over HTTPS: Strict refuses it, Relaxed, the
	// default, takes it, and None does not look at bindings at all.
	CbtHardeningLevel *string
}

// ServiceConfig reads the configuration of a Windows service, with one Get. Windows lets administrators read it and nobody
// else: to all others AccessDenied is the normal answer. Services that are not Windows have no such resource.
func (c *Client) ServiceConfig(ctx context.Context) (*ServiceConfig, error) {
	i, err := c.Get(ctx, &GetRequest{Resource: Resource{URI: ResourceServiceConfig}})
	if err != nil {
		return nil, err
	}
	if i.Name != "Config" {
		err := &ProtocolError{Path: "s:Body", Msg: "no cfg:Config"}
		return nil, &OpError{Op: "Get", ResourceURI: ResourceServiceConfig, Err: err}
	}
	return newServiceConfig(i), nil
}

func newServiceConfig(i *Instance) *ServiceConfig {
	cfg := &ServiceConfig{Instance: i}
	top := &settings{group: i, problems: &cfg.Problems}
	service := top.in("Service")
	auth := service.in("Auth")
	cfg.MaxEnvelopeSizekb = top.number("MaxEnvelopeSizekb")
	cfg.MaxTimeoutms = top.number("MaxTimeoutms")
	cfg.MaxBatchItems = top.number("MaxBatchItems")
	cfg.Service = ServiceSettings{
		MaxConcurrentOperationsPerUser: service.number("MaxConcurrentOperationsPerUser"),
		MaxConnections:                 service.number("MaxConnections"),
		EnumerationTimeoutms:           service.number("EnumerationTimeoutms"),
		AllowUnencrypted:               service.boolean("AllowUnencrypted"),
		Auth: ServiceAuth{
			Basic:             auth.boolean("Basic"),
			Kerberos:          auth.boolean("Kerberos"),
			Negotiate:         auth.boolean("Negotiate"),
			Certificate:       auth.boolean("Certificate"),
			CredSSP:           auth.boolean("CredSSP"),
			CbtHardeningLevel: auth.text("CbtHardeningLevel"),
		},
	}
	return cfg
}

// settings reads one group of a configuration, such as Service/Auth. Elements are found by their local names.
type settings struct {
	group    *Instance
	problems *[]error
}

// in returns the group called name inside s; an empty one when there is none.
func (s *settings) in(name string) *settings {
	inner := &settings{group: &Instance{Name: s.group.Name + "/" + name}, problems: s.problems}
	if p := setting(s, name, itself); p != nil {
		inner.group.Properties = p.Children
	}
	return inner
}

func (s *settings) boolean(name string) *bool { return setting(s, name, (*Property).Bool) }

func (s *settings) number(name string) *uint32 {
	return setting(s, name, func(p *Property) (uint32, error) {
		n, err := p.Uint(32)
		return uint32(n), err //nolint:gosec // 32 bits were asked for
	})
}

func (s *settings) text(name string) *string {
	return setting(s, name, func(p *Property) (string, error) { return p.value(), nil })
}

func itself(p *Property) (Property, error) { return *p, nil }

// setting converts the one value called name, and notes what is wrong with it.
func setting[T any](s *settings, name string, convert func(*Property) (T, error)) *T {
	p, state, err := s.group.Scalar(name)
	var v T
	if err == nil && state == Present {
		p.Name = s.group.Name + "/" + name // for the error: Client and Service share names
		v, err = convert(&p)
	}
	if err != nil {
		*s.problems = append(*s.problems, err)
	}
	if err != nil || state != Present {
		return nil
	}
	return &v
}
