#![allow(missing_docs, unused, clippy::all)]
use crate::*; use tilewright_ops::*;
impl Tensor {
 pub fn softmax(&self, a: usize)->Result<Self>{ unreachable!() }
 pub fn log_softmax(&self, a: usize)->Result<Self>{ unreachable!() }
 pub fn softmax_backward(y:&Self,g:&Self,a: usize)->Result<Self>{ unreachable!() }
 pub fn log_softmax_backward(y:&Self,g:&Self,a: usize)->Result<Self>{ unreachable!() }
 pub fn cross_entropy(&self,l:&Self,w:Option<&Self>,o:&CrossEntropy)->Result<Self>{ unreachable!() }
 pub fn cross_entropy_backward(&self,l:&Self,w:Option<&Self>,o:&CrossEntropy,g:&Self)->Result<Self>{ unreachable!() }
 pub fn dropout(&self,o:&Dropout,s:u64,t:u64)->Result<Self>{ unreachable!() }
 pub fn dropout_backward(&self,o:&Dropout,s:u64,t:u64)->Result<Self>{ unreachable!() }
 pub fn sgd_step(&self,g:&Self,m:Option<&Self>,f:bool,o:&Sgd)->Result<()>{ unreachable!() }
 pub fn adamw_step(&self,g:&Self,m:&Self,v:&Self,t:u64,o:&AdamW)->Result<()>{ unreachable!() }
}
