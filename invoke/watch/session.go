package watch

import (
	"context"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// A session is what is kept open to one host. The zero value is closed.
type session struct {
	client   invoke.Client
	done     func()
	answered bool // the host has taken the user in it
}

// close closes the session.
func (s *session) close() {
	if s.done != nil {
		s.done()
	}
	*s = session{}
}

// within calls ask with the client of the host, when there is room for one more at work, and gives it Config.Timeout. After a refusal
// it asks nothing any more.
func (h *watched) within(ctx context.Context, ask func(ctx context.Context, c invoke.Client) error) error {
	if h.fatal != nil {
		return h.fatal
	}
	err := h.work(ctx, ask)
	if h.final(err) {
		h.fatal = err
	}
	return err
}

func (h *watched) work(ctx context.Context, ask func(ctx context.Context, c invoke.Client) error) error {
	if !h.acquire(ctx) {
		return ctx.Err()
	}
	defer h.release()
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	if h.session.client == nil {
		c, done, err := h.Open(ctx)
		if err != nil {
			return err
		}
		h.session.client, h.session.done = c, done
	}
	err := ask(ctx, h.session.client)
	h.session.answered = h.session.answered || accepted(err)
	return err
}

// final reports whether err keeps the host from being asked again.
func (h *watched) final(err error) bool { return err != nil && h.Refused != nil && h.Refused(err) }
