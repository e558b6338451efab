package wsmantest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Channels of the default model (facts/event-log.md §1.1).
const (
	channelVMMS    = "Microsoft-Windows-Hyper-V-VMMS-Admin"
	channelWorker  = "Microsoft-Windows-Hyper-V-Worker-Admin"
	channelHA      = "Microsoft-Windows-Hyper-V-High-Availability-Admin"
	channelCluster = "Microsoft-Windows-FailoverClustering/Operational"
	channelSystem  = "System"
)

const clusterProvider = "Microsoft-Windows-FailoverClustering"

// Levels of an event.
const (
	levelError   = 2
	levelWarning = 3
)

// A move is a job of the default model and whom it moves.
type move struct {
	vm     *VM
	job    Job
	german bool // the host writes German
}

// defaultLogs returns what the event log of the default host tells: of its jobs, and of moves whose jobs are forgotten. That of dc
// failed of something that only the destination knows, and that of crm in a cluster.
func defaultLogs(moves []move, dc, crm, sql *VM) []EventLog {
	vmms := []LogEvent{
		before(days(6), registered(dc)),
		before(days(2), begun(sql, "HV03.corp.example", false)),
		before(days(2)-40*time.Second, moved(sql, "1.1")),
	}
	vmms = append(vmms, failedMove(29*time.Hour, 21*time.Second, refusedJob(sql), sql)...)
	vmms = append(vmms, failedMove(48*time.Minute, 6*time.Second, Job{Destination: defaultTarget, Errors: []Error{wrapper(dc)}}, dc)...)
	vmms = append(vmms, failedMove(27*time.Minute, 15*time.Second, Job{Destination: defaultTarget, Errors: []Error{wrapper(crm)}}, crm)...)
	for i := range moves {
		vmms = append(vmms, moves[i].events()...)
	}
	vmms = append(vmms, before(101*time.Second, LogEvent{ // just before a move for which Kerberos has no credentials
		ID: 14050, Level: levelError, Fields: parameters("Microsoft Virtual System Migration Service"),
		Message: "The name of the service 'Microsoft Virtual System Migration Service' was not registered in the directory.",
	}))
	vmms[0].RecordID = 52103 // a channel wraps (facts §6), so it does not begin with 1
	worker := []LogEvent{before(days(5), workerStarted(crm)), before(days(3), workerStarted(sql))}
	worker[0].RecordID = 8817
	return []EventLog{
		{Channel: channelVMMS, Events: inOrder(vmms)},
		{Channel: channelHA, Events: clusteredFailure(crm, 27*time.Minute-15*time.Second)},
		{Channel: channelWorker, Events: worker},
		{Channel: channelCluster, Events: clusterEvents(crm)},
		{Channel: channelSystem, Events: systemEvents(crm)},
	}
}

// events returns what a host writes of a move: that it begins, each of its errors, the headline last, or that it is done. They are
// told once, also of a job that comes again.
func (m *move) events() []LogEvent {
	j := &m.job
	events := []LogEvent{begun(m.vm, j.Destination, m.german)}
	events[0].At = j.StartsAfter
	end := j.StartsAfter + j.Duration
	switch {
	case j.Outcome == Warnings:
		e := moved(m.vm, "14")
		e.ID, e.Level, e.Message = 20417, levelWarning, j.Errors[0].Message+" (ID "+m.vm.ID+")"
		events = append(events, e)
		events[1].At = end
	case len(j.Errors) == 0:
		events = append(events, moved(m.vm, "0.8"))
		events[1].At = end
	default:
		for i := range slices.Backward(j.Errors) {
			e := errorEvent(&j.Errors[i])
			e.At = end - Duration(i)*Duration(100*time.Millisecond)
			events = append(events, e)
		}
	}
	return events
}

// failedMove returns the events of a move that began that long ago, took some time and failed with the errors of j.
func failedMove(ago, took time.Duration, j Job, vm *VM) []LogEvent {
	j.StartsAfter, j.Duration = Duration(-ago), Duration(took)
	return (&move{vm: vm, job: j}).events()
}

// errorEvent returns the event that carries the same message as an Msvm_Error: its number is the MessageID, its parameters are the
// arguments (facts/event-log.md §2.1).
func errorEvent(e *Error) LogEvent {
	var id uint32
	_, _ = fmt.Sscan(e.MessageID, &id) // those here are numbers
	return LogEvent{ID: id, Level: levelError, Fields: parameters(e.MessageArguments...), Message: e.Message}
}

func parameters(values ...string) []LogField {
	fields := make([]LogField, 0, len(values))
	for _, v := range values {
		fields = append(fields, LogField{Value: v})
	}
	return fields
}

func named(vm *VM) []LogField { return []LogField{{"VmName", vm.Name}, {"VmId", vm.ID}} }

// begun is the event of a move that begins.
func begun(vm *VM, destination string, german bool) LogEvent {
	text := "The migration of virtual machine '%s' to host '%s' has begun. (ID %s)"
	if german {
		text = "Die Migration des virtuellen Computers '%s' zum Host '%s' hat begonnen. (Kennung %s)"
	}
	return LogEvent{ID: 20413, Fields: parameters(vm.Name, vm.ID, destination), Message: fmt.Sprintf(text, vm.Name, destination, vm.ID)}
}

// moved is the event of a move that is done.
func moved(vm *VM, blackout string) LogEvent {
	return LogEvent{
		ID: 20415, Fields: parameters(vm.Name, vm.ID, blackout),
		Message: fmt.Sprintf("The migration of virtual machine '%s' is done; its blackout took %s seconds. (ID %s)", vm.Name, blackout, vm.ID),
	}
}

// registered is the event of a machine that is new on its host.
func registered(vm *VM) LogEvent {
	return LogEvent{ID: 13002, Fields: named(vm), Message: fmt.Sprintf("The virtual machine '%s' was made. (ID %s)", vm.Name, vm.ID)}
}

func workerStarted(vm *VM) LogEvent {
	return LogEvent{ID: 18500, Fields: named(vm), Message: fmt.Sprintf("'%s' runs. (ID %s)", vm.Name, vm.ID)}
}

// clusteredFailure is how the cluster tells of a failed move: one event that quotes the others in blank-separated parts.
func clusteredFailure(vm *VM, ago time.Duration) []LogEvent {
	head := wrapper(vm)
	text := "The live migration of 'Virtual Machine " + vm.Name + "' has failed.\r\n\r\n" + head.Message + "\r\n\r\n" +
		"No network address of the destination node 'HV02' could be found: the cluster network cannot be used for that. (0x000013AB)"
	return []LogEvent{
		before(days(4), LogEvent{
			ID: 21119, RecordID: 1204, Fields: parameters("Virtual Machine " + vm.Name),
			Message: "'Virtual Machine " + vm.Name + "' was started by the cluster.",
		}),
		before(ago, LogEvent{
			ID: 21502, Level: levelError, Fields: parameters("Virtual Machine "+vm.Name, vm.ID, text), Message: text,
		}),
		before(ago-100*time.Millisecond, LogEvent{
			ID: 21111, Level: levelError, Fields: parameters("Virtual Machine " + vm.Name),
			Message: "The live migration of 'Virtual Machine " + vm.Name + "' has failed.",
		}),
	}
}

// clusterEvents are what the cluster service writes of the same.
func clusterEvents(vm *VM) []LogEvent {
	return []LogEvent{
		before(days(8), LogEvent{
			ID: 1674, RecordID: 30712, Root: "EventData", Fields: []LogField{{"ResourceGroup", vm.Name}},
			Message: "The clustered role '" + vm.Name + "' is online.",
		}),
		before(27*time.Minute-16*time.Second, LogEvent{
			ID: 1155, Level: levelError, Root: "EventData", Fields: []LogField{{"ResourceGroup", vm.Name}},
			Message: "The move of the clustered role '" + vm.Name + "' that was pending has not come to its end.",
		}),
	}
}

// systemEvents are of the cluster, and of a service that has nothing to do with it.
func systemEvents(vm *VM) []LogEvent {
	service := func(state string) LogEvent {
		return LogEvent{
			ID: 7036, Provider: "Service Control Manager", Root: "EventData", Fields: []LogField{{"param1", "Windows Update"}, {"param2", state}},
			Message: "The service Windows Update is " + state + " now.",
		}
	}
	events := []LogEvent{
		before(days(9), service("running")),
		before(27*time.Minute-14*time.Second, LogEvent{
			ID: 1069, Level: levelError, Provider: clusterProvider, Root: "EventData",
			Fields:  []LogField{{"ResourceName", "Virtual Machine " + vm.Name}, {"ResourceGroup", vm.Name}, {"ResTypeDll", "Virtual Machine"}},
			Message: "The cluster resource 'Virtual Machine " + vm.Name + "' of the role '" + vm.Name + "' has failed.",
		}),
		before(20*time.Minute, service("stopped")),
	}
	events[0].RecordID = 190244
	return events
}

// days is how long ago something was that happened some days and a bit before.
func days(n time.Duration) time.Duration { return n*24*time.Hour + 10*time.Minute }

// before sets when an event was written.
func before(ago time.Duration, e LogEvent) LogEvent {
	e.At = Duration(-ago)
	return e
}

// inOrder sorts events by time.
func inOrder(events []LogEvent) []LogEvent {
	slices.SortStableFunc(events, func(a, b LogEvent) int { return cmp.Compare(a.At, b.At) })
	return events
}

// fleetLogs returns what the host of that index in a fleet writes of moves, of one whose job is forgotten, and of one that came from the
// host before: that failed of something that only the destination can know.
func fleetLogs(i int, app *VM, moves []move) []EventLog {
	names := fleetNames(i)
	headline := wrapper(app)
	gone := Job{Destination: defaultTarget, Errors: []Error{headline}}
	vmms := []LogEvent{before(days(6), registered(app))}
	for _, e := range failedMove(fleetForgotten(i), fleetTook, gone, app) {
		vmms = append(vmms, e.renamed(names))
	}
	if i > 0 {
		vmms = append(vmms, destinationEvents(i-1)...)
	}
	for k := range moves {
		vmms = append(vmms, moves[k].events()...)
	}
	vmms[0].RecordID = 40211
	return []EventLog{{Channel: channelVMMS, Events: slices.Clone(inOrder(vmms))}} // of its length: a fleet has thousands of these
}

// fleetTook is how long it took until the forgotten move of each host of a fleet failed.
const fleetTook = 6 * time.Second

// fleetForgotten is how long ago that was when the fleet started.
func fleetForgotten(i int) time.Duration { return 25*time.Minute + time.Duration(i*7%300)*time.Second }

// destinationEvents returns what the destination writes of the forgotten move from the host of index i: it cannot register the machine,
// whose folder is not there (facts/migration-failures.md, path-not-found).
func destinationEvents(i int) []LogEvent {
	app := fleetVM("app", i)
	folder := `D:\VMs\` + app.Name
	ago := fleetForgotten(i)
	return []LogEvent{
		before(ago-2*time.Second, registered(&app)),
		before(ago-fleetTook+500*time.Millisecond, LogEvent{
			ID: 20100, Level: levelError, Fields: parameters(app.ID, folder, "%%2147942403", "0x80070003"),
			Message: "The configuration of virtual machine '" + app.ID + "' could not be registered at '" + folder +
				"': The path was not found. (0x80070003)",
		}),
	}
}

// fleetVM is a machine of the host of that index.
func fleetVM(kind string, i int) VM {
	return VM{Name: fmt.Sprintf("%s-%04d", kind, i+1), ID: derivedID(fmt.Sprintf("fleet/%d/%s", i, kind))}
}

// fleetNames replaces the names of the default host and of its target by those of the host of that index.
func fleetNames(i int) *strings.Replacer {
	return strings.NewReplacer(defaultHost, fleetName(i), defaultTarget, fleetTarget(i))
}

// fleetTarget is the host that the machines of the host of that index move to.
func fleetTarget(i int) string { return fleetName(i+1) + ".corp.example" }

// renamed replaces names in all that an event says.
func (e LogEvent) renamed(names *strings.Replacer) LogEvent {
	e.Message, e.Fields = names.Replace(e.Message), slices.Clone(e.Fields)
	for i := range e.Fields {
		e.Fields[i].Value = names.Replace(e.Fields[i].Value)
	}
	return e
}
