package winrm

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// maxFruitless is how many answers in a row may bring no output of a command before the host had half of its time for any.
// masterzen/winrm asks again at once, and would ask for ever.
const maxFruitless = 1000

// errUnheard is what becomes of a Signal after one that the host has not answered.
var errUnheard = errors.New("the host has let a Signal for this shell pass without an answer; Delete ends what runs in it")

// A patience knows how often a host has kept us waiting. It is safe for concurrent use.
type patience struct {
	mu        sync.Mutex
	fruitless map[string]int  // answers in a row, by command
	unheard   map[string]bool // shells for which a Signal was not answered in its time
}

// forgo refuses a Signal for a shell whose last one has cost all of its time: masterzen/winrm sends two, and Delete is to come.
func (p *patience) forgo(r *request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.action == actionSignal && p.unheard[r.shellID] {
		return errUnheard
	}
	return nil
}

// lost takes note of a message whose time has ended without an answer.
func (p *patience) lost(r *request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.action != actionSignal {
		return
	}
	if p.unheard == nil {
		p.unheard = map[string]bool{}
	}
	p.unheard[r.shellID] = true
}

// sent takes note of a message, which begins or ends what is counted.
func (p *patience) sent(r *request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.action {
	case actionSignal:
		delete(p.fruitless, r.command())
	case actionDelete:
		delete(p.unheard, r.shellID)
	}
}

// heard takes note of an answer, or of the error that it was, and of how long it took. It counts the answers to Receive that have brought
// nothing though there was time left.
func (p *patience) heard(r *request, a *answer, err error, took time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.action == actionCommand && a != nil {
		begun := request{shellID: r.shellID, commandID: a.id}
		delete(p.fruitless, begun.command())
	}
	if r.action != actionReceive {
		return nil
	}
	fault, isFault := errors.AsType[*wsman.Fault](err)
	nothing := isFault && fault.TimedOut() || a != nil && a.fruitless()
	if !nothing || took >= r.timeout/2 {
		delete(p.fruitless, r.command())
		return nil
	}
	if p.fruitless == nil {
		p.fruitless = map[string]int{}
	}
	p.fruitless[r.command()]++
	if n := p.fruitless[r.command()]; n > maxFruitless {
		return &wsman.ProtocolError{Msg: fmt.Sprintf("the host has answered %d times without output before its time was over", n)}
	}
	return nil
}
