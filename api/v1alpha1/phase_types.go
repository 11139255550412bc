package v1alpha1

// Phase is where a release is in its life.
// +kubebuilder:validation:Enum=Pending;Resolving;Gating;Staging;Checking;Progressing;CuttingOver;Verifying;Settling;Succeeded;RollingBack;RolledBack;Failed
type Phase string

// Phases of a release, in the order of a good one, then of a bad one.
const (
	PhasePending     Phase = "Pending"     // seen; what came before it is being cleared
	PhaseResolving   Phase = "Resolving"   // its image is being pinned
	PhaseGating      Phase = "Gating"      // it waits to be allowed to start
	PhaseStaging     Phase = "Staging"     // its pods start, without traffic
	PhaseChecking    Phase = "Checking"    // its checks run, without traffic
	PhaseProgressing Phase = "Progressing" // it takes traffic, step by step
	PhaseCuttingOver Phase = "CuttingOver" // it takes over, in three observed moves
	PhaseVerifying   Phase = "Verifying"   // it serves all; the old one is kept warm
	PhaseSettling    Phase = "Settling"    // the old one drains
	PhaseSucceeded   Phase = "Succeeded"   // it is the stable release
	PhaseRollingBack Phase = "RollingBack" // traffic goes back to the stable release
	PhaseRolledBack  Phase = "RolledBack"  // the stable release serves all
	PhaseFailed      Phase = "Failed"      // it ended before it took traffic
)

// CutoverMove is one of the three moves of a cutover.
// +kubebuilder:validation:Enum=Weight;Select;Return
type CutoverMove string

// The three moves of a cutover, each observed before the next.
const (
	MoveWeight CutoverMove = "Weight" // the routes give the canary Service everything
	MoveSelect CutoverMove = "Select" // the stable Service selects the new release
	MoveReturn CutoverMove = "Return" // the routes give the stable Service everything
)

// Result is how a release ended.
// +kubebuilder:validation:Enum=Succeeded;RolledBack;Failed;Superseded;Reverted;Aborted
type Result string

// How a release ended.
const (
	ResultSucceeded  Result = "Succeeded"
	ResultRolledBack Result = "RolledBack"
	ResultFailed     Result = "Failed"
	ResultSuperseded Result = "Superseded"
	ResultReverted   Result = "Reverted"
	ResultAborted    Result = "Aborted"
)
