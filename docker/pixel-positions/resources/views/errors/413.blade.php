@extends('errors.layout')
@section('headline', 'That is too large')
@section('advice', 'The upload was bigger than we accept. A logo of up to 2 MB is plenty.')
