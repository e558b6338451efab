package watch

import (
	"context"
	"errors"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// A session is what is kept open to one host. The zero value is closed.
type session struct {
	entered  bool // attempt is that of this session
	attempt  *fleet.Attempt
	client   invoke.Client
	done     func()
	answered bool // the host has taken the user in it
	refusals int  // how often hosts had refused the credential before
}

// close closes the session.
func (s *session) close() {
	s.attempt.Leave()
	if s.done != nil {
		s.done()
	}
	*s = session{}
}

// within calls ask with the client of the host, when there is room for one more at work, and gives it Config.Timeout. Whoever gets a password
// waits for its turn first. After a refusal it asks nothing any more.
func (h *watched) within(ctx context.Context, ask func(ctx context.Context, c invoke.Client) error) error {
	if h.fatal != nil {
		return h.fatal
	}
	err := h.enter(ctx)
	if err == nil {
		err = h.work(ctx, ask)
	}
	if h.final(err) {
		h.fatal = err
		if h.session.entered {
			h.session.attempt.Refused(err)
			h.refuse(h.Credential)
		}
	}
	return err
}

// enter waits until the host may get its password, if its session is closed. A session that was opened before any host refused the password is
// closed first: it would send it again whenever the connection has to be renewed, without waiting for its turn.
func (h *watched) enter(ctx context.Context) error {
	refusals := h.refusedSoFar(h.Credential)
	if h.session.refusals != refusals {
		h.session.close()
	}
	if h.session.entered {
		return nil
	}
	attempt, err := h.cfg.Breaker.Enter(ctx, h.Host.Host)
	if err != nil {
		return err
	}
	h.session.entered, h.session.attempt, h.session.refusals = true, attempt, refusals
	return nil
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
	if accepted(err) {
		h.session.attempt.Taken()
		h.session.answered = true
	}
	return err
}

// final reports whether err keeps the host from being asked again: it has refused the user, or others have.
func (h *watched) final(err error) bool {
	if err == nil {
		return false
	}
	if _, ok := errors.AsType[*fleet.NotTriedError](err); ok {
		return true
	}
	return h.Refused != nil && h.Refused(err)
}
