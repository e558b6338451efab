package transport

import "context"

// budgetUnit is what a [Budget] counts in, in bytes.
const budgetUnit = 64 << 10

// A Budget bounds the bytes of answers that all transports sharing it hold at the same time. A transport takes the length of
// an answer from it before it reads the body (the largest allowed length when the answer names none), waits until
// that much is free or the context ends, and gives it back when the caller releases the reply ([wsman.Reply].Release).
type Budget struct {
	// turn is held while taking units: two that each hold half of what they need would wait for ever.
	turn  chan struct{}
	units chan struct{}
}

// NewBudget returns a Budget of size bytes, rounded up to 64 KiB; at least that much.
func NewBudget(size int64) *Budget {
	return &Budget{
		turn:  make(chan struct{}, 1),
		units: make(chan struct{}, max(1, unitsOf(size))),
	}
}

// take waits for n bytes and returns the function that gives them back. More than the whole budget waits for the
// whole. A nil Budget has no bound.
func (b *Budget) take(ctx context.Context, n int64) (func(), error) {
	if b == nil {
		return func() {}, nil
	}
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-b.turn }()
	want := min(unitsOf(n), cap(b.units))
	for taken := range want {
		select {
		case b.units <- struct{}{}:
		case <-ctx.Done():
			b.give(taken)
			return nil, ctx.Err()
		}
	}
	return func() { b.give(want) }, nil
}

func (b *Budget) give(n int) {
	for range n {
		<-b.units
	}
}

func unitsOf(size int64) int {
	return int((size + budgetUnit - 1) / budgetUnit)
}
