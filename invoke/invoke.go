package invoke

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Namespace is the CIM namespace of Hyper-V since Windows Server 2012.
const Namespace = "root/virtualization/v2"

// The two classes that are read.
const (
	classMigrationJob   = "Msvm_MigrationJob"
	classComputerSystem = "Msvm_ComputerSystem"
)

// An Invoker calls methods of CIM instances.
type Invoker interface {
	Invoke(ctx context.Context, req *wsman.InvokeRequest) (*wsman.InvokeResponse, error)
}

// An Enumerator lists CIM instances. An error is the last thing that its iterator yields.
type Enumerator interface {
	Enumerate(ctx context.Context, req *wsman.EnumerateRequest) iter.Seq2[*wsman.Instance, error]
}

// A Getter reads one CIM instance.
type Getter interface {
	Get(ctx context.Context, req *wsman.GetRequest) (*wsman.Instance, error)
}

// A Client does all three; [*wsman.Client] is one.
type Client interface {
	Invoker
	Enumerator
	Getter
}

// ErrNothingVisible says that the host showed neither a job nor a single Msvm_ComputerSystem. Every Hyper-V host has one
// of those, itself, so the user lacks the right to see them; it does not mean that no migration failed.
var ErrNothingVisible = errors.New("the host shows this user nothing of Hyper-V")

// ErrNoSuchJob says that the host has no migration job of that InstanceID. A host forgets a job when its
// TimeBeforeRemoval, five minutes as a rule, has passed since it finished.
var ErrNoSuchJob = errors.New("no such job, or it has expired")

// ErrNoHyperV says that the host does not know the class Msvm_MigrationJob: the Hyper-V role is not installed.
// The [*wsman.Fault] that says so is wrapped beside it.
var ErrNoHyperV = errors.New("no Hyper-V here")

// enumerate lists a class. A fault that says that something was not found becomes ErrNoHyperV: an enumeration names no
// instance, so it is the class or its namespace that is missing (DESIGN: Unknown job or no Hyper-V?).
func enumerate(ctx context.Context, c Enumerator, req *wsman.EnumerateRequest) iter.Seq2[*wsman.Instance, error] {
	return func(yield func(*wsman.Instance, error) bool) {
		for i, err := range c.Enumerate(ctx, req) {
			if err != nil && notFound(err) {
				err = fmt.Errorf("%w: %w", ErrNoHyperV, err)
			}
			if !yield(i, err) {
				return
			}
		}
	}
}

// notFound reports whether err is a fault that says that the host does not have what was addressed.
func notFound(err error) bool {
	f, ok := errors.AsType[*wsman.Fault](err)
	return ok && f.NotFound()
}

// notSupported reports whether err says that the service does not have the operation, or that the method is not supported.
func notSupported(err error) bool {
	if r, ok := errors.AsType[*ReturnValueError](err); ok {
		return r.ReturnValue == returnValueNotSupported || r.ReturnValue == returnValueNotSupportedDMTF
	}
	f, ok := errors.AsType[*wsman.Fault](err)
	return ok && f.NotSupported()
}
