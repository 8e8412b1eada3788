//! Changing a product: the members of a partial update are laid over what it is, and the whole is judged
//! as a new one would be.

use probity_kernel::{Context, FieldError, Patch};
use serde_json::Value;

use crate::dossier::DossierInput;
use crate::error::CatalogError;
use crate::new_product::{NewProduct, ProductInput};
use crate::product::Product;

/// Declares the members of a patch, and how they are laid over an input.
macro_rules! define_patch {
    ($($(#[$meta:meta])* $field:ident: $kind:ty = $need:ident;)+) => {
        /// Changes to a product as they came in, not yet judged. Null clears what can be without a
        /// value and is refused for what cannot.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct ProductPatch {
            $($(#[$meta])* pub $field: Patch<$kind>,)+
            /// The record for governance.
            pub dossier: DossierInput,
        }

        impl ProductPatch {
            fn over(self, input: &mut ProductInput, faults: &mut Vec<FieldError>) -> DossierInput {
                $(
                    let is_null = matches!(self.$field, Patch::Null);
                    if is_null && define_patch!(@$need) {
                        let field = concat!("/", stringify!($field));
                        faults.push(FieldError::new(field, "required", "cannot be without a value"));
                    } else {
                        input.$field = self.$field.over(input.$field.take());
                    }
                )+
                self.dossier
            }
        }

        /// The fields that an input gives, as changes; those it leaves out stay.
        impl From<ProductInput> for ProductPatch {
            fn from(input: ProductInput) -> Self {
                Self {
                    $($field: input.$field.map_or(Patch::Absent, Patch::Value),)+
                    dossier: input.dossier,
                }
            }
        }
    };
    (@needed) => { true };
    (@optional) => { false };
}

define_patch! {
    /// As in [`ProductInput`].
    name: String = needed;
    /// As in [`ProductInput`].
    slug: String = needed;
    /// As in [`ProductInput`].
    description: String = optional;
    /// As in [`ProductInput`].
    long_description: String = optional;
    /// As in [`ProductInput`].
    product_type: String = needed;
    /// As in [`ProductInput`].
    provider: String = optional;
    /// As in [`ProductInput`].
    environment: String = needed;
    /// As in [`ProductInput`].
    risk_classification: String = optional;
    /// As in [`ProductInput`].
    lifecycle_stage: String = optional;
    /// As in [`ProductInput`].
    ai_system_type: String = optional;
    /// As in [`ProductInput`].
    business_use_case: String = optional;
    /// As in [`ProductInput`].
    is_gpai: bool = optional;
    /// As in [`ProductInput`].
    model_family: String = optional;
    /// As in [`ProductInput`].
    model_task_type: String = optional;
    /// As in [`ProductInput`].
    model_architecture: String = optional;
    /// As in [`ProductInput`].
    framework: String = optional;
    /// As in [`ProductInput`].
    intended_use: String = optional;
    /// As in [`ProductInput`].
    limitations: String = optional;
    /// As in [`ProductInput`].
    deployment_status: String = needed;
    /// As in [`ProductInput`].
    serving_url: String = optional;
    /// As in [`ProductInput`].
    input_schema: Value = optional;
    /// As in [`ProductInput`].
    output_schema: Value = optional;
    /// As in [`ProductInput`].
    vendor_name: String = optional;
    /// As in [`ProductInput`].
    vendor_product_name: String = optional;
    /// As in [`ProductInput`].
    vendor_model_id: String = optional;
    /// As in [`ProductInput`].
    deployment_environment: String = optional;
}

/// What a product would have been created from.
fn input_of(product: &Product) -> ProductInput {
    let text = |value: &str| Some(value.to_owned());
    let model = &product.model;
    ProductInput {
        name: text(&product.name),
        slug: text(product.slug.as_str()),
        description: product.description.clone(),
        long_description: product.long_description.clone(),
        product_type: text(product.product_type.as_str()),
        provider: product.provider.clone(),
        environment: text(&product.environment),
        risk_classification: product.risk_classification.map(|one| one.to_string()),
        lifecycle_stage: product.lifecycle_stage.map(|one| one.to_string()),
        ai_system_type: product.ai_system_type.clone(),
        business_use_case: product.business_use_case.clone(),
        is_gpai: product.is_gpai,
        model_family: model.model_family.map(|one| one.to_string()),
        model_task_type: model.model_task_type.map(|one| one.to_string()),
        model_architecture: model.model_architecture.clone(),
        framework: model.framework.clone(),
        intended_use: model.intended_use.clone(),
        limitations: model.limitations.clone(),
        deployment_status: text(model.deployment_status.as_str()),
        serving_url: model
            .serving_url
            .as_ref()
            .map(|url| url.as_str().to_owned()),
        input_schema: model.input_schema.clone().map(Value::Object),
        output_schema: model.output_schema.clone().map(Value::Object),
        vendor_name: model.vendor_name.clone(),
        vendor_product_name: model.vendor_product_name.clone(),
        vendor_model_id: model.vendor_model_id.clone(),
        deployment_environment: model.deployment_environment.clone(),
        dossier: DossierInput::default(),
    }
}

impl ProductPatch {
    /// The product after the changes; its version and dates are the same still.
    pub(crate) fn applied(self, ctx: &Context, before: &Product) -> Result<Product, CatalogError> {
        let mut faults = Vec::new();
        let mut input = input_of(before);
        let dossier = self.over(&mut input, &mut faults);
        let dossier = dossier.over(&before.dossier, ctx.now, &mut faults);
        let new = match NewProduct::parse(input) {
            Ok(new) => new,
            Err(CatalogError::Invalid(more)) => {
                faults.extend(more);
                return Err(CatalogError::Invalid(faults));
            }
            Err(other) => return Err(other),
        };
        if !faults.is_empty() {
            return Err(CatalogError::Invalid(faults));
        }
        Ok(Product {
            slug: new.slug.unwrap_or_else(|| before.slug.clone()),
            name: new.name,
            description: new.description,
            long_description: new.long_description,
            product_type: new.product_type,
            provider: new.provider,
            environment: new.environment,
            risk_classification: new.risk_classification,
            lifecycle_stage: new.lifecycle_stage,
            ai_system_type: new.ai_system_type,
            business_use_case: new.business_use_case,
            is_gpai: new.is_gpai,
            model: new.model,
            dossier,
            ..before.clone()
        })
    }
}
