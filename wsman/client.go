package wsman

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/beevik/etree"
	"github.com/cenkalti/backoff/v5"
)

// Defaults of [Config].
const (
	DefaultOperationTimeout = 60 * time.Second // the cap of a Windows host (facts/wire-format.md §4)
	DefaultMaxEnvelopeSize  = 512000           // octets; Windows' own default limit
	DefaultLocale           = "en-US"
	DefaultQuotaRetries     = 3
)

const (
	minEnvelopeSize  = 8192                   // below it Windows answers wsman:EncodingLimit
	replyWait        = 15 * time.Second       // how long a reply may take beyond OperationTimeout
	replyMargin      = time.Second            // what OperationTimeout leaves of a deadline for the reply to travel
	minOperationTime = 500 * time.Millisecond // Windows raises anything shorter to this
	firstPause       = 250 * time.Millisecond // before an operation is sent again, more or less by a random half
	maxPause         = 8 * time.Second
)

// Config configures a [Client]. Endpoint and Transport are required.
type Config struct {
	// Endpoint is the URL sent as wsa:To, such as https://hv01:5986/wsman.
	Endpoint  string
	Transport Transport

	// OperationTimeout is sent as wsman:OperationTimeout. If zero, 60 seconds.
	// A ctx deadline that comes sooner, less one second for the reply, replaces it. An exchange that takes 15 seconds longer
	// than that ends with context.DeadlineExceeded.
	OperationTimeout time.Duration

	// MaxEnvelopeSize is the largest answer asked for, in octets. If zero, 512000; at least 8192.
	MaxEnvelopeSize int

	// Locale is the language asked for, as an RFC 5646 tag. If empty, en-US.
	Locale string

	// URIStyle selects the form of resource URIs. The zero value is Microsoft's.
	URIStyle URIStyle

	// QuotaRetries is how often a repeatable operation is sent again after a quota fault, with growing pauses that
	// never pass the deadline. If zero, 3; negative means never.
	QuotaRetries int

	// NewMessageID returns a wsa:MessageID. If nil, random UUIDs are used.
	NewMessageID func() string

	// Decoding, if set, holds as many answers as its capacity while they are decoded, which takes many times their size in memory.
	// Clients that share it decode that many at once; a capacity of runtime.GOMAXPROCS(0) makes none of them slower.
	Decoding chan struct{}

	// Trace, if set, is called once for every exchange, from the goroutine that made it.
	Trace func(*Exchange)
}

// A Client speaks WS-Management to one service. It is safe for concurrent use.
type Client struct {
	cfg Config
}

// NewClient returns a client that uses cfg. It sends nothing.
func NewClient(cfg Config) (*Client, error) {
	if cfg.Transport == nil {
		return nil, errors.New("wsman: Config.Transport is required")
	}
	u, err := url.Parse(cfg.Endpoint)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("wsman: Config.Endpoint %q is not a URL with a host", cfg.Endpoint)
	}
	if cfg.MaxEnvelopeSize == 0 {
		cfg.MaxEnvelopeSize = DefaultMaxEnvelopeSize
	}
	if cfg.MaxEnvelopeSize < minEnvelopeSize {
		return nil, fmt.Errorf("wsman: Config.MaxEnvelopeSize %d is below %d", cfg.MaxEnvelopeSize, minEnvelopeSize)
	}
	if cfg.OperationTimeout < 0 {
		return nil, fmt.Errorf("wsman: Config.OperationTimeout %v is negative", cfg.OperationTimeout)
	}
	if cfg.OperationTimeout == 0 {
		cfg.OperationTimeout = DefaultOperationTimeout
	}
	if cfg.Locale == "" {
		cfg.Locale = DefaultLocale
	}
	if cfg.QuotaRetries == 0 {
		cfg.QuotaRetries = DefaultQuotaRetries
	}
	if cfg.NewMessageID == nil {
		cfg.NewMessageID = randomMessageID
	}
	return &Client{cfg: cfg}, nil
}

// An operation is one request of a method of Client, before it has an envelope.
type operation struct {
	name      string // for OpError and Trace
	action    string
	resource  string // ResourceURI
	queried   string // the class of a WQL query
	selectors SelectorSet
	options   OptionSet
	// body writes the child of s:Body; nil leaves the body empty.
	body func(*etree.Element)
	// repeatable tells that sending the request twice does no harm.
	repeatable bool
	// identify selects the envelope without addressing; anonymous sends it without authentication.
	identify  bool
	anonymous bool
}

// A response is the reply to an operation, checked and without a fault.
type response struct {
	body *element // s:Body
	date time.Time
	size int // octets of the whole answer
}

// do sends op and reads its reply. It sends it once more when it is repeatable and the connection was lost, and again
// on quota faults, after pauses that grow (DESIGN: Retries).
func (c *Client) do(ctx context.Context, op *operation) (*response, error) {
	pauses := backoff.ExponentialBackOff{
		InitialInterval: firstPause, MaxInterval: maxPause, Multiplier: 2, RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
	lost := false
	for quota := 0; ; {
		resp, err := c.exchange(ctx, op)
		switch {
		case err == nil:
			return resp, nil
		case !op.repeatable || ctx.Err() != nil:
		case errors.Is(err, ErrConnectionLost) && !lost && wait(ctx, pauses.NextBackOff()):
			lost = true
			continue
		case isBusy(err) && quota < c.cfg.QuotaRetries && wait(ctx, pauses.NextBackOff()):
			quota++
			continue
		}
		return nil, &OpError{Op: op.name, ResourceURI: op.resource, Queried: op.queried, Err: err}
	}
}

// wait pauses for d. It returns false at once when the deadline of ctx would leave no time for an answer then, and when ctx ends.
func wait(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d+replyMargin {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// exchange sends op once.
func (c *Client) exchange(ctx context.Context, op *operation) (*response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	messageID := c.cfg.NewMessageID()
	body, err := c.envelope(ctx, op, messageID)
	if err != nil {
		return nil, err
	}
	req := &Request{Body: body, Anonymous: op.anonymous, Repeatable: op.repeatable}
	started := time.Now()
	reply, err := c.roundTrip(ctx, req)
	readRefusal(err)
	c.trace(op, req, reply, err, started)
	if err != nil {
		return nil, err
	}
	if reply.Release != nil {
		defer reply.Release()
	}
	if c.cfg.Decoding != nil {
		c.cfg.Decoding <- struct{}{}
		defer func() { <-c.cfg.Decoding }()
	}
	return readReply(reply, messageID)
}

// roundTrip ends a request that the service is too late with: by more than replyWait it will not answer any more, whatever the caller
// would wait.
func (c *Client) roundTrip(ctx context.Context, req *Request) (*Reply, error) {
	limit := c.operationTimeout(ctx) + replyWait
	deadline, ok := ctx.Deadline()
	ours := !ok || time.Until(deadline) > limit
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	reply, err := c.cfg.Transport.RoundTrip(limited, req)
	if ours && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = &TimeoutError{Limit: limit, Err: err}
	}
	return reply, err
}

// readRefusal finds the fault in the body of an [*HTTPError].
func readRefusal(err error) {
	if e, ok := errors.AsType[*HTTPError](err); ok && len(e.Body) > 0 {
		_, fault := DecodeEnvelope(e.Body)
		if f, ok := errors.AsType[*Fault](fault); ok {
			f.HTTPStatus = e.StatusCode
			e.Fault = f
		}
	}
}

// operationTimeout is what the service may spend on an answer.
func (c *Client) operationTimeout(ctx context.Context) time.Duration {
	d := c.cfg.OperationTimeout
	if deadline, ok := ctx.Deadline(); ok {
		d = min(d, time.Until(deadline)-replyMargin)
	}
	return max(d, minOperationTime)
}

// replyDate returns the Date header, or the zero time.
func replyDate(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}
