package manifests

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// decode decodes one object into Kubernetes' own type. A field that the type does not have is an error.
func decode(text []byte) (runtime.Object, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		apps.AddToScheme, autoscaling.AddToScheme, batch.AddToScheme, core.AddToScheme, networking.AddToScheme, policy.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(text, nil, nil)
	return object, err
}

// TestKubernetesBase builds the base and looks at what an operator has to rely on.
func TestKubernetesBase(t *testing.T) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "deploy/kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]runtime.Object{}
	for _, resource := range built.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object, err := decode(text)
		if err != nil {
			t.Errorf("%s %s: %v", resource.GetKind(), resource.GetName(), err)
			continue
		}
		objects[resource.GetKind()] = object
		wrong := strings.Replace(string(text), "\nmetadata:\n", "\nmetadata:\n  lables: {}\n", 1)
		if _, err := decode([]byte(wrong)); err == nil {
			t.Errorf("%s: a field that does not exist is not found", resource.GetKind())
		}
	}
	app, okApp := objects["Deployment"].(*apps.Deployment)
	job, okJob := objects["Job"].(*batch.Job)
	settings, okSettings := objects["ConfigMap"].(*core.ConfigMap)
	service, okService := objects["Service"].(*core.Service)
	budget, okBudget := objects["PodDisruptionBudget"].(*policy.PodDisruptionBudget)
	scaler, okScaler := objects["HorizontalPodAutoscaler"].(*autoscaling.HorizontalPodAutoscaler)
	ingress, okIngress := objects["Ingress"].(*networking.Ingress)
	network, okNetwork := objects["NetworkPolicy"].(*networking.NetworkPolicy)
	if !okApp || !okJob || !okSettings || !okService || !okBudget || !okScaler || !okIngress || !okNetwork {
		t.Fatalf("something is missing among %v", objects)
	}
	c := configured(t, settings.Data)
	pod := app.Spec.Template
	if grace := time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second; grace < longest(c) {
		t.Errorf("a pod gets %s to end, and may take %s", grace, longest(c))
	}
	container := pod.Spec.Containers[0]
	if ready := container.ReadinessProbe; ready == nil || ready.HTTPGet.Path != "/readyz" || time.Duration(ready.PeriodSeconds*ready.FailureThreshold)*time.Second >= c.DrainDelay {
		t.Errorf("a pod that stops is not seen to stop before it does: %+v", ready)
	}
	if live := container.LivenessProbe; live == nil || live.HTTPGet.Path != "/healthz" || container.StartupProbe == nil {
		t.Errorf("liveness %+v", live)
	}
	for name, spec := range map[string]core.PodSpec{"app": pod.Spec, "migrate": job.Spec.Template.Spec} {
		if problems := tooMuch(spec); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
	if args := job.Spec.Template.Spec.Containers[0].Args; args[0] != "migrate" || job.Spec.Template.Spec.Containers[0].Image != container.Image {
		t.Errorf("the job runs %v of %s, the app is %s", args, job.Spec.Template.Spec.Containers[0].Image, container.Image)
	}
	for name, selected := range map[string]map[string]string{
		"PodDisruptionBudget": budget.Spec.Selector.MatchLabels, "Deployment": app.Spec.Selector.MatchLabels, "Service": service.Spec.Selector,
		"NetworkPolicy": network.Spec.PodSelector.MatchLabels,
	} {
		if len(selected) == 0 || !labels.SelectorFromSet(selected).Matches(labels.Set(pod.Labels)) {
			t.Errorf("%s selects %v, pods are %v", name, selected, pod.Labels)
		}
		if labels.SelectorFromSet(selected).Matches(labels.Set(job.Spec.Template.Labels)) {
			t.Errorf("%s selects the migration, too", name)
		}
	}
	if target := scaler.Spec.ScaleTargetRef; target.Kind != "Deployment" || target.Name != app.Name || app.Spec.Replicas != nil || *scaler.Spec.MinReplicas < 2 {
		t.Errorf("scaled is %+v", target)
	}
	if service.Spec.ClusterIP != core.ClusterIPNone {
		t.Error("a balancer behind the Service sees one address, and cannot choose by portal")
	}
	for _, port := range service.Spec.Ports {
		if !slices.ContainsFunc(container.Ports, func(p core.ContainerPort) bool {
			return p.Name == port.TargetPort.StrVal && p.ContainerPort == port.Port
		}) {
			t.Errorf("pods have no port %s", port.TargetPort.StrVal)
		}
	}
	if backend := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service; backend.Name != service.Name || backend.Port.Name != "http" {
		t.Errorf("the ingress leads to %+v", backend)
	}
}

// tooMuch names what a pod may do beyond serving.
func tooMuch(spec core.PodSpec) (problems []string) {
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		problems = append(problems, "has a token for Kubernetes")
	}
	if s := spec.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil {
		problems = append(problems, "may run as root")
	}
	for _, c := range spec.Containers {
		s := c.SecurityContext
		if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) {
			problems = append(problems, c.Name+" has more rights than it needs")
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			problems = append(problems, c.Name+" has no bounds")
		}
		for _, e := range c.Env {
			problems = append(problems, fmt.Sprintf("%s has %s in its environment", c.Name, e.Name))
		}
		if !slices.ContainsFunc(c.VolumeMounts, func(m core.VolumeMount) bool { return m.MountPath == "/run/secrets/itemlens" && m.ReadOnly }) {
			problems = append(problems, c.Name+" has no secrets in files")
		}
	}
	return problems
}
