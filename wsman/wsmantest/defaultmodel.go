package wsmantest

import (
	"fmt"
	"time"
)

// Names of the default model.
const (
	defaultTarget = "HV02.corp.example"
	defaultOwner  = `CORP\fabric-admin`
)

// DefaultModel returns a host with seven jobs around the moment now: four that failed within the last three minutes, for
// reasons that are common in practice, one that completed with warnings, one that completed, and one that runs. Like on
// Windows, each disappears five minutes after it ended; [Model.Repeat] makes them come again.
//
// Its event log tells of the same jobs, each once, and of moves that failed earlier: their jobs are gone.
func DefaultModel(now time.Time) *Model {
	web := VM{Name: "web-01", ID: "5F1C2A9E-3B77-4D0A-9C55-0E6B8A1D4F21"}
	sql := VM{Name: "sql-02", ID: "A0C3D7B4-61E8-4F2B-8D19-73C5E2F09A64"}
	file := VM{Name: "files-01", ID: "C97E4B10-8A2D-4C6F-B3E1-5D08F7A2916B"}
	erp := VM{Name: "erp-münchen", ID: "1B84E6F2-D05C-4A93-A7F8-92E34C6B0D75"}
	mail := VM{Name: "mail-01", ID: "E2D95A38-7F41-4B0E-95C6-B81A03F7D4C9"}
	build := VM{Name: "build-07", ID: "7A60F1D3-294E-4E87-8B5C-C4D91E0276AF"}
	dc := VM{Name: "dc-02", ID: "3D8E5C17-A94F-4B62-8E0D-6F21B7C5930A"}
	crm := VM{Name: "crm-04", ID: "F64B20C9-5E13-4D7A-B2A8-0C9D7E18F536"}
	moves := []move{
		{vm: &web, job: kerberosJob(&web)},
		{vm: &sql, job: refusedJob(&sql)},
		{vm: &file, job: storageJob(&file)},
		{vm: &erp, job: germanJob(&erp), german: true},
		{vm: &mail, job: slowJob(&mail)},
		{vm: &build, job: Job{
			ID: "94B8E1C2-5A0D-4763-8E9F-D70C25A6B3F4", VM: build.ID, Destination: defaultTarget, Owner: defaultOwner,
			StartsAfter: seconds(-250), Duration: seconds(70),
		}},
		{vm: &build, job: Job{
			ID: "B61A3F95-0C8E-4D27-97B4-E85D42C09F13", VM: build.ID, Destination: "HV03.corp.example", Owner: defaultOwner,
			StartsAfter: seconds(-30), Duration: Duration(10 * time.Minute),
		}},
	}
	m := &Model{
		Start: now, VMs: []VM{web, sql, file, erp, mail, build, dc, crm},
		EventLogs: defaultLogs(moves, &dc, &crm, &sql),
	}
	for i := range moves {
		m.Jobs = append(m.Jobs, moves[i].job)
	}
	return m
}

// Repeat makes every job of the model come again, each time as a new job, with that much time between the starts. With
// [DefaultModel] and five or six minutes a server always has failures to show.
func (m *Model) Repeat(every time.Duration) {
	for i := range m.Jobs {
		m.Jobs[i].Repeat = Duration(every)
	}
}

func seconds(n int) Duration { return Duration(time.Duration(n) * time.Second) }

// wrapper is the error that heads every failed migration: it names the machine and the host, but no cause. Its number
// and the order of its arguments are those of the real sample (facts/real-examples.md §1).
func wrapper(vm *VM) Error {
	return Error{
		Message:          fmt.Sprintf("The migration of virtual machine '%s' failed at the source '%s'. (ID %s)", vm.Name, defaultHost, vm.ID),
		MessageID:        "21024",
		MessageArguments: []string{vm.Name, vm.ID, defaultHost},
	}
}

// kerberosJob fails because a third machine started it without constrained delegation (facts/migration-failures.md,
// kerberos-no-creds).
func kerberosJob(vm *VM) Job {
	return Job{
		ID: "4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B", VM: vm.ID, Destination: defaultTarget, Owner: defaultOwner,
		StartsAfter: seconds(-100), Duration: seconds(8), Outcome: Failed, Percent: 5,
		Errors: []Error{
			wrapper(vm),
			{
				Message: "The management service found no connection to host '" + defaultTarget +
					"' for a virtual machine migration: The security package has no credentials (0x8009030E).",
				MessageID: "20306", ErrorType: 7, MessageArguments: []string{defaultTarget, "%%2148074254", "0x8009030E"},
			},
			{
				Message:   "Authentication at the source host failed: there are no credentials that fit.",
				MessageID: "20404", ErrorType: 7, ProbableCause: 117,
			},
		},
	}
}

// refusedJob fails because nobody listens at the destination (conn-refused).
func refusedJob(vm *VM) Job {
	return Job{
		ID: "8C25D4F7-1B9E-43A0-96D8-F27B0E61C35A", VM: vm.ID, Destination: defaultTarget, Owner: defaultOwner,
		StartsAfter: seconds(-160), Duration: seconds(21), Outcome: Failed, Percent: 5,
		Errors: []Error{
			wrapper(vm),
			{
				Message: "The management service found no connection to host '" + defaultTarget +
					"' for a virtual machine migration: The destination refused the connection. (0x8007274D)",
				MessageID: "20306", ErrorType: 2, ProbableCause: 5,
				MessageArguments: []string{defaultTarget, "%%2147952461", "0x8007274D"},
			},
		},
	}
}

// storageJob fails because the host's account may not write the access list of a share (storage-setsecurity). Its code
// stands in quotes, as real texts have it, and one text holds characters that XML escapes.
func storageJob(vm *VM) Job {
	return Job{
		ID: "D3F68A0E-72B5-4C19-8F4D-A951C7E03B82", VM: vm.ID, Destination: defaultTarget, Owner: defaultOwner,
		Type: MoveVMAndStorage, StartsAfter: seconds(-230), Duration: seconds(65), Outcome: Failed, Percent: 72,
		ErrorSummaryDescription: "Moving the storage of 'files-01' failed with access denied ('0x80070005').",
		Errors: []Error{
			wrapper(vm),
			{
				Message:   "Storage migration of '" + vm.Name + "' (" + vm.ID + ") failed: Access denied (0x80070005).",
				MessageID: "13804", ErrorType: 7, MessageArguments: []string{vm.Name, vm.ID, "Access denied", "0x80070005"},
			},
			{
				Message:   `No permission to set the access list of '\\sofs01\R&D <archive>\files-01.vhdx': 'Access denied'('0x80070005').`,
				MessageID: "12312", ErrorType: 7, CIMStatusCode: 2, ProbableCause: 65,
				Properties: Properties{"RecommendedActions": []string{"Give the accounts of both hosts full control of the share and its folders."}},
			},
		},
	}
}

// slowJob completes after a long blackout.
func slowJob(vm *VM) Job {
	return Job{
		ID: "2D7F0B6A-90C1-4E35-A8D2-16F4B3C7E580", VM: vm.ID, Destination: defaultTarget, Owner: defaultOwner,
		StartsAfter: seconds(-200), Duration: seconds(90), Outcome: Warnings,
		ErrorSummaryDescription: "The virtual machine was moved. Its blackout took 14 seconds, which is longer than usual.",
		Errors: []Error{{
			Message: "The migration of '" + vm.Name + "' completed, but its network was silent for 14 seconds.", MessageID: "20417",
			PerceivedSeverity: 3, MessageArguments: []string{vm.Name, vm.ID, defaultHost},
		}},
	}
}

// germanJob fails on a host whose language is German (recv-timeout).
func germanJob(vm *VM) Job {
	return Job{
		ID: "60A9C8E3-F41D-4B72-A5C0-1D8E73F6B294", VM: vm.ID, Destination: "HV-MÜNCHEN-02", Owner: `CORP\jürgen`,
		StartsAfter: seconds(-75), Duration: seconds(45), Outcome: Failed, Percent: 38,
		Errors: []Error{
			{
				Message: "Die Migration des virtuellen Computers '" + vm.Name + "' ist auf dem Quellhost '" + defaultHost +
					"' gescheitert. (Kennung " + vm.ID + ")",
				MessageID: "21024", MessageArguments: []string{vm.Name, vm.ID, defaultHost},
			},
			{
				Message:   "Für die Migration kamen keine Daten mehr an: Die Wartezeit ist abgelaufen (0x800705B4).",
				MessageID: "22040", ErrorType: 2, ProbableCause: 111, MessageArguments: []string{"%%2147943860", "0x800705B4"},
			},
		},
		Properties: Properties{
			"Caption": "Migration eines virtuellen Computers", "JobStatus": "Der Auftrag ist gescheitert",
			"StatusDescriptions": []string{"Der Auftrag ist beendet", "Der Auftrag ist gescheitert"},
		},
	}
}
