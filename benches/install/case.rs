//! One case: a manifest, the plan of the floor for the same result, and what it cost.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    inputs::{Inputs, key, placeholder, secret},
    keys::Key,
    place::Place,
    plan::Plan,
};

/// How the cost grows with a number: the cases of one curve of the picture.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    Secrets,
    Files,
    Bytes,
}

/// What is measured.
pub struct Case {
    pub name: String,
    pub manifest: PathBuf,
    pub plan: PathBuf,
    /// The most runs of each program.
    pub runs: usize,
    /// Whether the other program takes part.
    pub is_for_other: bool,
    /// Whether what is measured is a second run, which finds everything in place.
    pub is_second_run: bool,
    /// The curve that the case is on, and where.
    pub point: Option<(Curve, f64)>,
}

/// Makes cases, and the files for them.
pub struct Cases<'p> {
    place: &'p Place,
    directory: PathBuf,
    inputs: Inputs,
    is_short: bool,
    pub all: Vec<Case>,
}

impl<'p> Cases<'p> {
    pub fn new(place: &'p Place, directory: &Path, is_short: bool) -> Self {
        Self {
            place,
            directory: directory.to_owned(),
            inputs: Inputs::new(directory),
            is_short,
            all: Vec::new(),
        }
    }

    /// Adds all cases.
    pub fn make(&mut self) {
        let counts: &[usize] = if self.is_short {
            &[1, 100]
        } else {
            &[1, 10, 100, 1_000, 10_000, 100_000]
        };
        for &count in counts {
            self.secrets(count);
        }
        let counts: &[usize] = if self.is_short { &[10] } else { &[1, 10, 100, 1_000] };
        for &count in counts {
            self.files(count);
        }
        let sizes: &[usize] = if self.is_short { &[10] } else { &[10, 16, 20, 24, 27, 28] };
        for &bits in sizes {
            self.binary(1 << bits);
        }
        if !self.is_short {
            self.binary(100 << 20);
        }
        self.text(if self.is_short { 1 } else { 100 });
        for (count, placeholders) in [(1, 1), (100, 100), (1_000, 10)] {
            self.templates(count, placeholders);
        }
        for count in [1, 100, 1_000] {
            self.again(count);
        }
        let directory = self.directory.clone();
        for key in crate::keys::all(&directory, &self.inputs.key_file()) {
            for count in [1, 20] {
                self.key(&key, count);
            }
        }
    }

    fn secrets(&mut self, count: usize) {
        let (secrets, plan) = self.of_one_file(count);
        let name = format!("{} of one YAML file", counted((count, "secret")));
        let case = self.add(name, &json!({ "secrets": secrets }), &plan);
        case.point = Some((Curve::Secrets, number(count)));
        // The installer of sops-nix reads and decrypts the file for each secret, so ten thousand secrets would take it hours.
        case.is_for_other = count <= 1_000;
    }

    fn files(&mut self, count: usize) {
        let (secrets, plan) = self.of_files(count, &["x25519".to_owned()]);
        let name = format!("{} of one secret", counted((count, "YAML file")));
        let case = self.add(name, &json!({ "secrets": secrets }), &plan);
        case.point = Some((Curve::Files, number(count)));
    }

    fn binary(&mut self, size: usize) {
        let file = self.inputs.binary(&format!("{size}.bin"), size);
        let secrets = [secret(&self.place.link, "large", &file, "binary", "")];
        let mut plan = Plan::new(self.place);
        plan.file(&file, &["x25519".to_owned()], |_| "large".to_owned());
        let name = format!("a binary secret of {}", shown(size));
        let case = self.add(name, &json!({ "secrets": secrets, "maxSize": 512 }), &plan);
        case.point = (size != 100 << 20).then(|| (Curve::Bytes, number(size)));
    }

    fn text(&mut self, mebibytes: usize) {
        let file = self.inputs.json("text.json", mebibytes, 1 << 20);
        let mut plan = Plan::new(self.place);
        plan.file(&file, &["x25519".to_owned()], |_| "text".to_owned());
        // Every JSON text is also YAML. It is printed as YAML that people write.
        for (format, shown) in [("json", "JSON"), ("yaml", "YAML")] {
            let secrets = [secret(&self.place.link, "text", &file, format, "")];
            let name = format!("a whole {shown} file of {mebibytes} MiB, in values of 1 MiB");
            self.add(name, &json!({ "secrets": secrets }), &plan);
        }
    }

    fn templates(&mut self, count: usize, placeholders: usize) {
        let (secrets, mut plan) = self.of_one_file(placeholders);
        let lines = (0..placeholders).map(|number| format!("{} = {}\n", key(number), placeholder(number)));
        let content: String = lines.collect();
        let text = self.directory.join(format!("{}.template", self.all.len()));
        std::fs::write(&text, &content).unwrap();
        let link = &self.place.link;
        let templates: Vec<_> = (0..count)
            .map(|number| {
                let name = format!("template{number}");
                plan.template(&format!("rendered/{name}"), &text);
                json!({ "name": name, "content": content, "path": link.join("rendered").join(&name), "mode": "0400" })
            })
            .collect();
        let tokens: Value = (0..placeholders)
            .map(|number| (key(number), Value::from(placeholder(number))))
            .collect();
        let fields = json!({ "secrets": secrets, "templates": templates, "placeholderBySecretName": tokens });
        let [templates, tokens] = [(count, "template"), (placeholders, "placeholder")].map(counted);
        self.add(format!("{templates} of {tokens}"), &fields, &plan);
    }

    fn again(&mut self, count: usize) {
        let (secrets, mut plan) = self.of_one_file(count);
        plan.again();
        let case = self.add(
            format!("{}, the same run again", counted((count, "secret"))),
            &json!({ "secrets": secrets }),
            &plan,
        );
        case.is_second_run = true;
    }

    fn key(&mut self, opener: &Key, count: usize) {
        let own = std::mem::replace(&mut self.inputs.recipients, opener.recipients.clone());
        let (secrets, plan) = self.of_files(count, &opener.needs);
        self.inputs.recipients = own;
        let name = format!("{} for {}", counted((count, "file")), opener.name);
        let mut fields = json!({ "secrets": secrets, "ageKeyFile": "" });
        fields
            .as_object_mut()
            .unwrap()
            .extend(opener.manifest.as_object().unwrap().clone());
        self.add(name, &fields, &plan);
    }

    /// Secrets that all come from one YAML file.
    fn of_one_file(&mut self, count: usize) -> (Vec<Value>, Plan) {
        let file = self.inputs.yaml(&format!("{count}.yaml"), count);
        let mut plan = Plan::new(self.place);
        plan.file(&file, &["x25519".to_owned()], str::to_owned);
        let secrets = (0..count).map(|number| secret(&self.place.link, &key(number), &file, "yaml", &key(number)));
        (secrets.collect(), plan)
    }

    /// Secrets of which each comes from a YAML file of its own. `needs` is what each file needs. A program that is needed `once` is
    /// started for the first file.
    fn of_files(&mut self, count: usize, needs: &[String]) -> (Vec<Value>, Plan) {
        let mut plan = Plan::new(self.place);
        let secrets = (0..count).map(|number| {
            let file = self.inputs.yaml(&format!("{}-{number}.yaml", self.all.len()), 1);
            let needs = needs.iter().filter(|need| number == 0 || !need.starts_with("once "));
            let needs: Vec<_> = needs.map(|need| need.trim_start_matches("once ").to_owned()).collect();
            plan.file(&file, &needs, |_| key(number));
            secret(&self.place.link, &key(number), &file, "yaml", &key(0))
        });
        (secrets.collect(), plan)
    }

    fn add(&mut self, name: String, fields: &Value, plan: &Plan) -> &mut Case {
        let at = |kind: &str| self.directory.join(format!("{}.{kind}", self.all.len()));
        let (manifest_path, plan_path) = (at("json"), at("plan"));
        let mut manifest = json!({
            "version": 1, "ageKeyFile": self.inputs.key_file(), "ageSshKeyPaths": [], "sshKeyPaths": [], "templates": [],
            "placeholderBySecretName": {}, "logging": { "keyImport": true, "secretChanges": true },
        });
        for more in [&self.place.fields(), fields] {
            manifest.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        }
        std::fs::write(&manifest_path, manifest.to_string()).unwrap();
        plan.write(&plan_path);
        self.all.push(Case {
            name,
            manifest: manifest_path,
            plan: plan_path,
            runs: if self.is_short { 1 } else { 15 },
            is_for_other: true,
            is_second_run: false,
            point: None,
        });
        self.all.last_mut().unwrap()
    }
}

/// A number with a noun.
fn counted((count, noun): (usize, &str)) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn shown(size: usize) -> String {
    if size >> 20 > 0 {
        format!("{} MiB", size >> 20)
    } else {
        format!("{} KiB", size >> 10)
    }
}

/// A number for a curve. Rounding does not matter.
#[allow(clippy::cast_precision_loss)]
fn number(count: usize) -> f64 {
    count as f64
}
