package invoke

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// A Source says where a [Part] came from: the method, or the property of the job.
type Source string

// The sources, in the order in which [Diagnose] reads them.
const (
	SourceGetErrorEx              Source = MethodGetErrorEx
	SourceGetError                Source = MethodGetError
	SourceErrorDescription        Source = "ErrorDescription"
	SourceErrorSummaryDescription Source = "ErrorSummaryDescription"
	SourceErrorCode               Source = "ErrorCode"
)

// A Part is one thing that the host said about a failure. Error, DecodeError or Text holds it.
type Part struct {
	Source Source
	// Also names the other sources that said the same.
	Also []Source
	// Index is the place in the answer of a method, counted from 0.
	Index int
	// Error is the error instance, when it could be decoded.
	Error *cimerror.MsvmError
	// DecodeError tells why it could not; its Instance, if any, holds the properties that could.
	DecodeError *cimerror.DecodeError
	// Text is what a property of the job says, or an event.
	Text string
	// Event is the event whose Text this is, nil of all other sources.
	Event *LogEvent
	// Host is the other host, which said this; "" is the one that was asked first. See [Diagnosis.Join].
	Host string
	// AlsoHost is the other host if it said the same.
	AlsoHost string
}

// String returns what p says: the message of the error as far as it could be read, else why it could not, or the text.
func (p Part) String() string {
	switch e := p.instance(); {
	case e != nil:
		return e.Error()
	case p.DecodeError != nil:
		return p.DecodeError.Error()
	}
	return p.Text
}

// A Diagnosis is everything that a host said about one job.
type Diagnosis struct {
	Job *MigrationJob
	// Answers holds the outcome of each method that was asked, GetErrorEx first.
	Answers []*Answer
	// Parts holds what was said, without repetitions, in the order of the sources. Empty means that the host gave no
	// reason.
	Parts []Part
	// VM is the name of the virtual machine: from the arguments of a message, else from Msvm_ComputerSystem.
	// When neither told, it is the job's VirtualSystemName, a GUID; empty when that is NULL.
	VM string
	// Expired tells that the host had forgotten the job when GetError was called. The job's own fields still answer.
	Expired bool
	// Destination is all that the other end of the migration said about its own job, once [Diagnosis.Join] has added that to Parts.
	Destination *Diagnosis
	// Host is the name that a Destination was joined by, else "".
	Host string
}

// Diagnose asks a host why job failed: GetErrorEx, which gives all errors, then GetError, which gives the headline, and
// reads the job's own ErrorDescription and ErrorSummaryDescription; ErrorCode becomes a part when nothing else told
// anything. What was said before is not said again: an error with the same Message and MessageID, a text
// whose every line is in a message already there.
//
// The Diagnosis is never nil. The error joins what went wrong, also beside a Diagnosis that holds all the rest: the Err
// of each Answer, and the [*cimerror.DecodeError] of each instance of an answer in which none could be decoded.
// Not counted are [ErrNoErrorInstance] and a job that has expired, which are answers, and a method that the service does
// not have, when the other one answered.
//
// It sends two requests, and one more for the name of the machine when no message tells it, or for a job of [NewJob] that
// the host does not know. After a refused password and after the end of ctx it sends nothing.
func Diagnose(ctx context.Context, c Client, job *MigrationJob) (*Diagnosis, error) {
	d, err := Ask(ctx, c, job)
	if ctx.Err() != nil || refused(err) {
		return d, err
	}
	// A host that does not tell leaves the GUID: the answer is about the failure, not about the name.
	if name, err := ResolveVM(ctx, c, d.VM); err == nil && name != "" {
		d.VM = name
	}
	return d, err
}

// Ask is [Diagnose] but for the last request: VM stays the GUID when no message tells the name. For several jobs, ask about all
// first and for names later, with [ResolveVM]: what matters more comes sooner.
func Ask(ctx context.Context, c Client, job *MigrationJob) (*Diagnosis, error) {
	d := &Diagnosis{Job: job, VM: job.VMName()}
	d.ask(ctx, c)
	d.merge()
	d.nameVM()
	err := d.err()
	if d.Expired && job.bare() {
		// Nobody has seen this job: it may never have been.
		err = errors.Join(err, WhyNotFound(ctx, c, job.ID(), d.Answers[len(d.Answers)-1].Err))
	}
	return d, err
}

// ask calls the two methods.
func (d *Diagnosis) ask(ctx context.Context, c Invoker) {
	if d.Job.ID() == "" {
		return
	}
	for _, method := range []string{MethodGetErrorEx, MethodGetError} {
		a := ask(ctx, c, method, d.Job.ID())
		d.Answers = append(d.Answers, a)
		// A service may say "not found" of a method that it does not have: GetError decides.
		d.Expired = notFound(a.Err)
		if ctx.Err() != nil || refused(a.Err) {
			return
		}
	}
}

// refused reports whether the password was refused: it is not to be sent once more (DESIGN §4, no lockouts).
func refused(err error) bool {
	h, ok := errors.AsType[*wsman.HTTPError](err)
	return ok && (h.StatusCode == http.StatusUnauthorized || h.StatusCode == http.StatusProxyAuthRequired)
}

// nameVM takes the name of the machine from the arguments of a message: the first is the name and the second the GUID
// (facts/real-examples.md §1).
func (d *Diagnosis) nameVM() {
	for i := range d.Parts {
		e := d.Parts[i].instance()
		if e == nil || len(e.MessageArguments) < 2 {
			continue
		}
		name, id := value(e.MessageArguments[0]), value(e.MessageArguments[1])
		if name != "" && isGUID(id) && sameID(id, d.Job.VMName()) {
			d.VM = name
			return
		}
	}
}

// err joins what Answers could not tell.
func (d *Diagnosis) err() error {
	if d.Job.ID() == "" {
		return &wsman.ProtocolError{Path: classMigrationJob + "/InstanceID", Msg: "NULL or empty; no method of the job can be called"}
	}
	var errs []error
	for _, a := range d.Answers {
		if a.Err != nil && !errors.Is(a.Err, ErrNoErrorInstance) && !notFound(a.Err) && !d.spared(a) {
			errs = append(errs, a.Err)
		}
		errs = append(errs, a.decodeErrors()...)
	}
	return errors.Join(errs...)
}

// spared reports whether the service does not have the method of a, but has answered the other one in full: GetErrorEx is
// Microsoft's own and not on every service (facts/schema.md, Methods).
func (d *Diagnosis) spared(a *Answer) bool {
	return notSupported(a.Err) && slices.ContainsFunc(d.Answers, func(other *Answer) bool {
		return other.Err == nil || errors.Is(other.Err, ErrNoErrorInstance)
	})
}

// decodeErrors returns the error of each instance, if none could be decoded.
func (a *Answer) decodeErrors() []error {
	errs := make([]error, 0, len(a.Errors))
	for _, r := range a.Errors {
		if r.Err == nil {
			return nil
		}
		errs = append(errs, r.Err)
	}
	return errs
}
